// The service that Revela takes the place of, on the libraries that a Node team
// would choose: Express, multer, BullMQ, sharp, and a cache-aside on ioredis.
//
//   node server.mjs --redis 127.0.0.1:6379 --dir DIR [--port 0] [--workers 2] [--seed 0]
//
// It prints one line, {"url":"http://127.0.0.1:PORT"}, when it serves. SIGTERM ends it.
//
// Its tasks are in a Map, not in a database: every comparison is that much in
// its favour. --seed makes so many finished tasks, for benchmarks that only
// read; the ids are 24 hexadecimal digits, counting from 1. Redis is to be
// empty at the start.

import crypto from 'node:crypto';
import { mkdir, rename, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Queue, Worker } from 'bullmq';
import express from 'express';
import { Redis } from 'ioredis';
import multer from 'multer';
import sharp from 'sharp';

const { values: args } = parseArgs({
  options: {
    redis: { type: 'string' },
    dir: { type: 'string' },
    port: { type: 'string', default: '0' },
    workers: { type: 'string', default: '2' },
    seed: { type: 'string', default: '0' },
  },
});
const [host, port] = args.redis.split(':');
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const redis = new Redis(connection);
const queue = new Queue('image-processing', { connection });

const widths = [1024, 800];
const ttl = { task: 60, list: 30, count: 45 }; // seconds
const states = ['pending', 'processing', 'completed', 'failed'];

// Tasks by id, in the order in which they were made.
const tasks = new Map();
for (let i = 1; i <= Number(args.seed); i++) tasks.set(...seeded(i));

function seeded(i) {
  const taskId = i.toString(16).padStart(24, '0');
  const images = widths.map((w) => image(taskId, w, w * 3 / 4, md5(taskId + w), w * 100));
  const at = new Date(Date.UTC(2026, 0, 1) + i * 1000);
  const source = `photo-${i}.jpg`;
  return [taskId, { taskId, status: 'completed', source, attempts: 1, images, createdAt: at, updatedAt: at }];
}

function image(taskId, width, height, sum, size) {
  return {
    resolution: String(width),
    path: `output/${taskId}/${width}/${sum}.jpg`,
    url: `/api/v1/tasks/${taskId}/images/${width}`,
    format: 'jpeg', width, height, size, md5: sum,
  };
}

function md5(data) { return crypto.createHash('md5').update(data).digest('hex'); }

// cached is the usual cache-aside: look, else read and store.
async function cached(key, seconds, read) {
  const have = await redis.get(key);
  if (have !== null) return JSON.parse(have);
  const value = await read();
  if (value !== undefined) await redis.set(key, JSON.stringify(value), 'EX', seconds);
  return value;
}

// forget deletes by pattern, as such caches do: its cost grows with all keys.
async function forget(pattern) {
  const keys = await redis.keys(pattern);
  if (keys.length > 0) await redis.del(...keys);
}

async function change(taskId, patch) {
  Object.assign(tasks.get(taskId), patch, { updatedAt: new Date() });
  await changed(taskId);
}

function changed(taskId) {
  return Promise.all([redis.del(`task:${taskId}`), forget('tasks:list:*'), forget('tasks:count:*')]);
}

const app = express();
await mkdir(path.join(args.dir, 'incoming'), { recursive: true });
const upload = multer({ dest: path.join(args.dir, 'incoming'), limits: { fileSize: 32 << 20 } });

app.post('/api/v1/tasks/upload', upload.single('image'), async (req, res) => {
  if (!req.file) return res.status(400).json({ code: 'FILE_REQUIRED' });
  const taskId = crypto.randomBytes(12).toString('hex');
  const dir = path.join(args.dir, 'storage/images', taskId);
  await mkdir(dir, { recursive: true });
  const imagePath = path.join(dir, 'original.jpg');
  await rename(req.file.path, imagePath);
  const createdAt = new Date();
  const task = { taskId, status: 'pending', source: req.file.originalname, attempts: 0, createdAt, updatedAt: createdAt };
  tasks.set(taskId, task);
  await changed(taskId);
  await queue.add('process-image', { taskId, imagePath, timestamp: Date.now() }, {
    attempts: 3, backoff: { type: 'exponential', delay: 2000 }, removeOnComplete: true, removeOnFail: false,
  });
  res.status(202).location(`/api/v1/tasks/${taskId}`).json(task);
});

app.get('/api/v1/tasks', async (req, res) => {
  const page = Math.max(1, Number(req.query.page ?? 1));
  const limit = Math.min(100, Math.max(1, Number(req.query.limit ?? 10)));
  const { status } = req.query;
  if (status !== undefined && !states.includes(status)) return res.status(400).json({ code: 'INVALID_QUERY' });
  const key = md5(JSON.stringify({ page, limit, status }));
  const [data, total] = await Promise.all([
    cached(`tasks:list:${key}`, ttl.list, () => newest(status).slice((page - 1) * limit, page * limit)),
    cached(`tasks:count:${key}`, ttl.count, () => (status ? newest(status).length : tasks.size)),
  ]);
  res.json({ data, pagination: { page, limit, total, totalPages: Math.ceil(total / limit) } });
});

function newest(status) {
  const all = [...tasks.values()].reverse();
  return status ? all.filter((t) => t.status === status) : all;
}

app.get('/api/v1/tasks/:id', async (req, res) => {
  const { id } = req.params;
  if (!/^[0-9a-f]{24}$/.test(id)) return res.status(400).json({ code: 'INVALID_TASK_ID' });
  const task = await cached(`task:${id}`, ttl.task, () => tasks.get(id));
  if (!task) return res.status(404).json({ code: 'TASK_NOT_FOUND' });
  res.json(task);
});

app.get('/api/v1/queue/stats', async (req, res) => {
  res.json(await queue.getJobCounts('waiting', 'active', 'completed', 'failed', 'delayed', 'paused'));
});

async function work({ data: { taskId, imagePath }, attemptsMade }) {
  await change(taskId, { status: 'processing', attempts: attemptsMade + 1 });
  const input = await readFile(imagePath);
  const images = [];
  for (const width of widths) {
    const { data, info } = await sharp(input)
      .rotate() // as EXIF says
      .resize(width, null, { withoutEnlargement: true })
      .jpeg({ quality: 85 })
      .toBuffer({ resolveWithObject: true });
    const made = image(taskId, width, info.height, md5(data), info.size);
    const file = path.join(args.dir, made.path);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, data);
    images.push(made);
  }
  await change(taskId, { status: 'completed', images });
  await redis.publish('task-events', JSON.stringify({ taskId, eventType: 'task.completed', timestamp: Date.now(), images }));
}

// One thread a picture: the workers are what works side by side.
sharp.concurrency(1);
const workers = Number(args.workers);
const worker = workers > 0 ? new Worker('image-processing', work, { connection, concurrency: workers }) : null;
worker?.on('failed', (job, err) => console.error(`${job?.data.taskId}: ${err.message}`));

const server = app.listen(Number(args.port), '127.0.0.1', (err) => {
  if (err) throw err;
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` }));
});

process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await worker?.close();
  await queue.close();
  redis.disconnect();
});
