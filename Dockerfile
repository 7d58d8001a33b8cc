FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build
# Without pip: the base's own fills the environment from outside.
RUN ["python", "-m", "venv", "--without-pip", "/opt/dx"]
COPY requirements.txt /build/
RUN ["python", "-m", "pip", "--python", "/opt/dx/bin/python", "install", \
     "--no-cache-dir", "--no-compile", "--no-input", "--disable-pip-version-check", "--quiet", \
     "--only-binary", ":all:", "--require-hashes", "--requirement", "/build/requirements.txt"]
COPY image/rootfs.py /build/
RUN ["/opt/dx/bin/python", "-I", "-B", "/build/rootfs.py", "runtime", "/runtime"]
COPY LICENSE entrypoint.py /build/package/
COPY dx_action /build/package/dx_action
RUN ["/opt/dx/bin/python", "-I", "-B", "/build/rootfs.py", "package", "/build/package", "/package"]

# Nothing of the base but what the interpreter needs: no shell, no package manager.
FROM scratch
LABEL org.opencontainers.image.title="DX deployment action" \
      org.opencontainers.image.description="Registers deployments in DX" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /runtime /
COPY --from=build /package /
# No shell before Python: dash drops variables such as INPUT_DX-TOKEN. -I: nothing in the workspace or in
# PYTHONPATH is imported. -u: the log is live. No USER: the runner's files belong to root.
ENTRYPOINT ["/opt/dx/bin/python", "-I", "-u", "-B", "/opt/dx/entrypoint.py"]
