// BullMQ as a contender: node bench.mjs host:port PHASE,… N CONCURRENCY
// What the phases are is told in ../doc.go.

import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

const [addr, phases, count, workers] = process.argv.slice(2);
const [host, port] = addr.split(':');
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const n = Number(count);
const concurrency = Number(workers);
const inFlight = 500;

const redis = new Redis(connection);
const queue = new Queue('image-processing', { connection });
await queue.waitUntilReady();

const opts = {
  attempts: 3, backoff: { type: 'exponential', delay: 2000 }, removeOnComplete: true, removeOnFail: false,
};

function data(i) {
  const taskId = '6ab13b805eed5eed5e' + i.toString(16).padStart(6, '0');
  return { taskId, imagePath: `storage/images/${taskId}/original.jpg`, timestamp: Date.now() };
}

function bulk(i, more) {
  return Array.from({ length: Math.min(inFlight, n - i) }, (_, k) => {
    const d = data(i + k);
    return { name: 'process-image', data: d, opts: { ...opts, ...more?.(d) } };
  });
}

async function redisSeconds() {
  const info = await redis.info('cpu');
  return ['used_cpu_sys', 'used_cpu_user'].reduce((sum, k) => sum + Number(info.match(`${k}:([0-9.]+)`)[1]), 0);
}

// measured tells what work on n jobs takes.
async function measured(work) {
  const redis0 = await redisSeconds();
  const cpu0 = process.cpuUsage();
  const begin = performance.now();
  await work();
  const wall = (performance.now() - begin) / 1e3;
  const { user, system } = process.cpuUsage(cpu0);
  const redis1 = await redisSeconds();
  return {
    n, wall_s: wall, jobs_s: n / wall,
    cpu_us_per_job: (user + system) / n, redis_us_per_job: (redis1 - redis0) * 1e6 / n,
  };
}

async function add() {
  let next = 0;
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (next < n) await queue.add('process-image', data(next++), opts);
  }));
}

async function addBulk(more) {
  for (let i = 0; i < n; i += inFlight) await queue.addBulk(bulk(i, more));
}

// until ends with the n-th completed job, told after Redis has acknowledged it.
function until(worker) {
  return new Promise((resolve, reject) => {
    let done = 0;
    worker.on('completed', () => { if (++done === n) resolve(); });
    worker.on('failed', (_, err) => reject(err));
    worker.on('error', reject);
  });
}

async function processAll() {
  let worker;
  const figures = await measured(() => {
    worker = new Worker('image-processing', async () => {}, { connection, concurrency });
    return until(worker);
  });
  await worker.close();
  return figures;
}

async function latency() {
  let begun;
  const worker = new Worker('image-processing', async () => { begun(performance.now()); }, { connection, concurrency });
  await worker.waitUntilReady();
  const took = [];
  for (let i = 0; i < n; i++) {
    await new Promise((resolve) => { setTimeout(resolve, 2 + Math.random() * 10); });
    const start = new Promise((resolve) => { begun = resolve; });
    const added = performance.now();
    await queue.add('process-image', data(i), opts);
    took.push(await start - added);
  }
  await worker.close();
  took.sort((a, b) => a - b);
  const at = (share) => took[Math.round(share * (n - 1))];
  return { n, p50_ms: at(0.50), p95_ms: at(0.95), p99_ms: at(0.99) };
}

const run = {
  add: () => measured(add),
  'add-bulk': () => measured(() => addBulk()),
  process: processAll,
  latency,
  fill: () => measured(() => addBulk((d) => ({ jobId: d.taskId }))),
};

for (const phase of phases.split(',')) console.log(JSON.stringify({ phase, ...await run[phase]() }));
await queue.close();
redis.disconnect();
