# The generation worker, the monitor and all other commands; docs/containers.md says how to run them.
# Works with BuildKit and with the classic builder.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Install scripts only fetch the Node that this image already is.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/
COPY src src
COPY workers workers
RUN npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Without optional packages too: TypeScript is one (an optional peer of a dependency), the others are accelerators and
# colours that nothing here uses.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund \
# Node runs no TypeScript in node_modules. Declarations, sources and source maps are half of it.
  && find node_modules -type f \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' \) -delete

FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production
# The image's user `node`, as numbers: Kubernetes' runAsNonRoot accepts no name. The files below belong to root.
USER 1000:1000
# The monitor's port. Only the monitor listens, so a HEALTHCHECK here would fail in workers; docker-compose.yml has it.
EXPOSE 3700
STOPSIGNAL SIGTERM
# Exec form: signals reach Node, not a shell.
ENTRYPOINT ["node", "/app/dist/src/cli/main.js"]
CMD ["worker"]
COPY package.json LICENSE ./
COPY examples examples
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
