# Le Mécano as an image; compose.yml puts Caddy in front of it. No secret belongs in here: see .dockerignore.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY build.mjs ./
COPY protocol protocol
COPY server server
COPY client client
COPY emulator emulator
RUN npm run build

FROM node:22-bookworm-slim
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY persona persona
COPY deploy/probe.mjs deploy/
RUN install -d -m 0700 -o node -g node /data
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 STORE_URL=sqlite:/data/le-mecano.db
VOLUME /data
EXPOSE 8080
USER node
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself gets SIGTERM and drains: no shell in between.
CMD ["node", "dist/server/main.js"]
