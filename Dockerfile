FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS base

FROM base AS build
# Without pip: the base's own fills the environment from outside.
RUN ["/usr/local/bin/python", "-m", "venv", "--without-pip", "/opt/dx"]
COPY requirements.txt /build/
RUN ["/usr/local/bin/python", "-m", "pip", "--python", "/opt/dx/bin/python", "install", \
     "--no-cache-dir", "--no-compile", "--no-input", "--disable-pip-version-check", "--quiet", \
     "--only-binary", ":all:", "--require-hashes", "--requirement", "/build/requirements.txt"]
# Our package lies in the environment itself: an isolated interpreter (-I) looks nowhere else.
COPY dx_action /build/dx_action
RUN mv /build/dx_action "$(/opt/dx/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
 && /opt/dx/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/dx
COPY LICENSE entrypoint.py /opt/dx/

FROM base
LABEL org.opencontainers.image.title="DX deployment action" \
      org.opencontainers.image.description="Registers deployments in DX" \
      org.opencontainers.image.licenses="MIT"
# Every run is a new container, so bytecode that is not in the image is compiled at every run; the base ships none.
RUN stdlib="$(/usr/local/bin/python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && /usr/local/bin/python -m compileall -q -f --invalidation-mode unchecked-hash \
      -x '/(site-packages|dist-packages|ensurepip|idlelib|pydoc_data|test|tkinter|turtledemo)/' "$stdlib"
COPY --from=build /opt/dx /opt/dx
# No shell before Python: dash drops variables such as INPUT_DX-TOKEN. -I: nothing in the workspace or in
# PYTHONPATH is imported. -u: the log is live. No USER: the runner's files belong to root.
ENTRYPOINT ["/opt/dx/bin/python", "-I", "-u", "-B", "/opt/dx/entrypoint.py"]
