import { run } from './run.ts'

const from = Number(process.argv[2] ?? 1),
  n = Number(process.argv[3] ?? 50)
const t = performance.now()
let calls = 0,
  ev = 0,
  bad = 0
for (let seed = from; seed < from + n; seed++) {
  const o = await run(seed)
  calls += o.storeCalls
  ev += o.history.length
  for (const a of o.anomalies.slice(0, 3)) {
    bad++
    console.log(seed, a.name, a.what.slice(0, 300))
  }
}
console.log(
  n,
  'seeds',
  ((performance.now() - t) / n).toFixed(1),
  'ms/seed',
  calls / n,
  'calls',
  ev / n,
  'events',
  bad,
  'anomalies',
)
