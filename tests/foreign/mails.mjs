// Mails that BullMQ sends: `node mails.mjs api` adds jobs and says how Redis is, `node mails.mjs worker` does them.
// With FAIL_FAST the front's connection has what BullMQ's documentation advises for producers ("Going to production");
// without it, ioredis keeps commands until Redis is back.
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";

const place = { host: "redis", port: 6379, password: process.env.REDIS_PASSWORD };
const told = (error) => console.error(error.message);

function work() {
  const connection = new Redis({ ...place, maxRetriesPerRequest: null });
  connection.on("error", told);
  new Worker("mails", () => sleep(20), { connection }).on("error", told);
}

function serve() {
  const options = process.env.FAIL_FAST ? { enableOfflineQueue: false, maxRetriesPerRequest: 1 } : {};
  const connection = new Redis({ ...place, ...options });
  connection.on("error", told);
  const queue = new Queue("mails", { connection });
  queue.on("error", told);
  const routes = {
    "GET /": async () => [200, {}],
    "GET /healthz": async () => [200, { redis: (await connection.ping()) === "PONG" ? "ok" : "strange" }],
    "POST /mails": async () => [202, { id: (await queue.add("send", {})).id }],
  };
  const server = http.createServer(async (request, response) => {
    request.resume();
    const route = routes[`${request.method} ${request.url}`];
    const answer = route ? route().catch((error) => [503, { error: error.message }]) : [404, {}];
    const [status, body] = await answer;
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  });
  connection.once("ready", () => server.listen(8080));
}

({ api: serve, worker: work })[process.argv[2]]();
