import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe } from 'vitest'
import { freePort, type Running, startServer } from '../lanes/process.ts'
import { plainCalls } from './calls.ts'
import { restSuite } from './rest.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

describe('a server on this machine', () => {
  let server: Running | undefined

  beforeAll(async () => {
    const port = await freePort()
    server = await startServer({
      command: process.execPath,
      args: ['--import', 'tsx', 'src/cli/main.ts', 'start', '--memory', '--http', `${port}`, '--kafka', '0'],
      cwd: root,
      env: { PATH: process.env.PATH },
      url: `http://127.0.0.1:${port}`,
      readyPath: '/',
    })
  })
  afterAll(() => server?.stop())

  restSuite(() => plainCalls(server?.url ?? ''))
})
