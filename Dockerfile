# The image of a release. It is made of what `make dist` leaves in dist/: docker build --file Dockerfile dist
# The binary is static, and there is nothing else but the roots that registries, S3 and Discord are verified with.
FROM scratch
ARG TARGETARCH
COPY ca-certificates.crt /etc/ssl/certs/
COPY fisherman-linux-${TARGETARCH} /fisherman
LABEL org.opencontainers.image.title="fisherman" \
      org.opencontainers.image.description="Deploys apps to one machine from GitHub's webhooks, without dropping a request"
ENTRYPOINT ["/fisherman"]
CMD ["serve", "--config", "/etc/fisherman/fisherman.yaml"]
