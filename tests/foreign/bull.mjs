// Makes jobs with BullMQ, does some of them, and says what BullMQ itself counts: `node bull.mjs PORT PASSWORD`. Two
// wait, one has a priority, one waits for its time, one is done and one has failed; then the queue is paused and takes
// one more. A line of JSON each.
import { Queue, QueueEvents, Worker } from "bullmq";
import { Redis } from "ioredis";

const [port, password] = process.argv.slice(2);
const connect = () => new Redis({ port: Number(port), password, maxRetriesPerRequest: null });
const queue = new Queue("mails", { connection: connect() });
const say = async () => console.log(JSON.stringify({ count: await queue.count(), ...(await queue.getJobCounts()) }));

const events = new QueueEvents("mails", { connection: connect() });
await events.waitUntilReady();
const work = async (job) => {
  if (job.name === "fails") throw new Error("as it should");
};
const worker = new Worker("mails", work, { connection: connect() });
const done = await queue.add("works", {});
await done.waitUntilFinished(events);
await (await queue.add("fails", {})).waitUntilFinished(events).catch(() => {});
await worker.close();

await queue.add("waits", {});
await queue.add("waits", {});
await queue.add("first", {}, { priority: 3 });
await queue.add("later", {}, { delay: 3_600_000 });
await say();
await queue.pause();
await queue.add("waits", {});
await say();
process.exit(0);
