// node bench.mjs PICTURE TIMES WORKERS PREFIX: see ../doc.go. It does what the Node
// stack of bench/stack-node does with a picture: each variant from the file.
import fs from 'node:fs/promises'
import sharp from 'sharp'

const [picture, times, workers, prefix] = process.argv.slice(2)
const input = await fs.readFile(picture)
const { format } = await sharp(input).metadata()
sharp.concurrency(1)

// See ../peak_unix.go.
async function peakMB() {
  const status = await fs.readFile('/proc/self/status', 'utf8').catch(() => '')
  const own = /VmHWM:\s*(\d+)/.exec(status)
  return (own ? Number(own[1]) : process.resourceUsage().maxRSS) * 1024 / 1e6
}

async function render(keep) {
  for (const width of [1024, 800]) {
    const image = sharp(input).rotate().resize(width, null, { withoutEnlargement: true, fit: 'inside' })
    const out = await image[format](format === 'png' ? {} : { quality: 85 }).toBuffer()
    if (keep) await fs.writeFile(prefix + width, out)
  }
}

await render(true)
const start = performance.now()
const before = process.cpuUsage()
let left = Number(times)
await Promise.all(Array.from({ length: Number(workers) }, async () => {
  while (left-- > 0) await render(false)
}))
const used = process.cpuUsage(before)
const wall = performance.now() - start
console.log(JSON.stringify({
  cpu_ms: (used.user + used.system) / 1000 / times,
  wall_ms: wall / times,
  rss_mb: await peakMB(),
}))
