/** `npm run test:localstack`: deploys the stack to AWS_ENDPOINT_URL, tests it over HTTP, destroys it. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Runs the lane's tests against an endpoint; resolves with the exit code. */
export const runLane = (env: NodeJS.ProcessEnv): Promise<number> =>
  new Promise((resolve, reject) => {
    const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'localstack']
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' })
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })

if (import.meta.filename === process.argv[1]) {
  if (process.env.AWS_ENDPOINT_URL) process.exitCode = await runLane(process.env)
  else {
    console.error(
      'test:localstack deploys to what answers at AWS_ENDPOINT_URL: start LocalStack and set it (http://localhost:4566), ' +
        'or run `npm run test:localstack:ministack`, which installs and starts MiniStack.',
    )
    process.exitCode = 2
  }
}
