/** `npm run test:localstack:ministack`: the same lane on a MiniStack of its own, with the functions' calls recorded. */
import { startMinistack } from '../ministack/start.ts'
import { runLane } from './run.ts'

const { url, stop } = await startMinistack()
try {
  process.exitCode = await runLane({ ...process.env, AWS_ENDPOINT_URL: url, MILLRACE_RECORDER_HOST: '127.0.0.1' })
} finally {
  await stop()
}
