FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS base
FROM busybox:stable-musl@sha256:3c6ae8008e2c2eedd141725c30b20d9c36b026eb796688f88205845ef17aa213 AS shell

FROM base AS build
# Without pip: the base's own fills the environment from outside.
RUN ["python", "-m", "venv", "--without-pip", "/opt/dx"]
COPY requirements.txt /build/
RUN ["python", "-m", "pip", "--python", "/opt/dx/bin/python", "install", \
     "--no-cache-dir", "--no-compile", "--no-input", "--disable-pip-version-check", "--quiet", \
     "--only-binary", ":all:", "--require-hashes", "--requirement", "/build/requirements.txt"]
COPY image/rootfs.py image/busybox.txt /build/
COPY --from=shell /bin/busybox /build/
RUN ["/opt/dx/bin/python", "-I", "-B", "-X", "no_debug_ranges", "/build/rootfs.py", "runtime", "/runtime"]
COPY LICENSE entrypoint.py job/start.py job/end.py /build/package/
COPY dx_action /build/package/dx_action
COPY image/bundle.py /build/
RUN ["/opt/dx/bin/python", "-I", "-B", "-X", "no_debug_ranges", "/build/rootfs.py", "package", "/build/package", "/runtime", "/package"]

# Nothing of the base but what the interpreter needs: no package manager, and no shell but the busybox for Kubernetes runners.
FROM scratch
LABEL org.opencontainers.image.title="DX deployment action" \
      org.opencontainers.image.description="Registers deployments in DX" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /runtime /
COPY --from=build /package /
# Kubernetes runners look up `tail` and `sh` here, before the job's variables are set.
ENV PATH=/bin
# No shell before Python: dash drops variables such as INPUT_DX-TOKEN. -I: nothing in the workspace or in
# PYTHONPATH is imported. -u: the log is live. No USER: the runner's files belong to root.
ENTRYPOINT ["/opt/dx/bin/python", "-I", "-u", "-B", "/opt/dx/entrypoint.py"]
