// Makes jobs with BullMQ on a Redis Cluster and says what BullMQ itself counts, as JSON:
// `node bull_cluster.mjs PORT PASSWORD PREFIX NAME`. Two wait, one has a priority, one waits for its time.
import { Queue } from "bullmq";
import { Cluster } from "ioredis";

const [port, password, prefix, name] = process.argv.slice(2);
const nodes = [{ host: "127.0.0.1", port: Number(port) }];
const connection = new Cluster(nodes, { redisOptions: { password, maxRetriesPerRequest: null } });
const queue = new Queue(name, { connection, prefix });
await queue.add("waits", {});
await queue.add("waits", {});
await queue.add("first", {}, { priority: 3 });
await queue.add("later", {}, { delay: 3_600_000 });
console.log(JSON.stringify({ count: await queue.count(), ...(await queue.getJobCounts()) }));
process.exit(0);
