import { afterAll, beforeAll, describe } from 'vitest'
import { killAll, startMillrace } from '../server/millrace-process.ts'
import { plainCalls } from './calls.ts'
import { restSuite } from './rest.ts'

describe('a server on this machine', () => {
  let url = ''

  beforeAll(async () => {
    url = (await startMillrace(['--memory'])).url
  })
  afterAll(killAll)

  restSuite(() => plainCalls(url))
})
