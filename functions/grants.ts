import { grantsResource } from '../src/http/grants-resource.ts'
import { coreFromEnvironment } from './core.ts'

export const handler = grantsResource(() => coreFromEnvironment())
