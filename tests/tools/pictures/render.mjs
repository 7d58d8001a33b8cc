// Renders a summary as GitHub shows it: node render.mjs FOLDER CHROMIUM, with its packages in the folder it is run from.
import { createRequire } from 'node:module'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const [folder, chromium] = process.argv.slice(2)
const require = createRequire(join(process.cwd(), 'package.json'))
const { marked } = require('marked')
marked.use(require('marked-alert')())
const puppeteer = require('puppeteer-core')
const css = readFileSync(join(process.cwd(), 'node_modules/github-markdown-css/github-markdown-light.css'), 'utf8')
const mermaid = readFileSync(join(process.cwd(), 'node_modules/mermaid/dist/mermaid.min.js'), 'utf8')

const browser = await puppeteer.launch({ executablePath: chromium, args: ['--no-sandbox', '--force-device-scale-factor=2'] })
for (const name of readdirSync(folder).filter(file => file.endsWith('.md'))) {
  const page = await browser.newPage()
  await page.setViewport({ width: 1208, height: 200, deviceScaleFactor: 2 })
  const html = marked.parse(readFileSync(join(folder, name), 'utf8'))
    .replaceAll('<code class="language-mermaid">', '<code class="mermaid">')
  await page.setContent(`<style>${css} body { margin: 0 } article { padding: 24px; max-width: 1160px }
    pre:has(.mermaid) { background: none !important; padding: 0 !important }</style>
    <article class="markdown-body">${html}</article>`)
  await page.addScriptTag({ content: mermaid })
  await page.evaluate(async () => {
    mermaid.initialize({ startOnLoad: false, gantt: { useWidth: 1100 } })
    await mermaid.run()
  })
  const article = await page.$('article')
  await article.screenshot({ path: join(folder, name.replace('.md', '.png')) })
  await page.close()
}
await browser.close()
