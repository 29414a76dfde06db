import { maintenanceHandler } from '../src/maintenance/lambda.ts'
import { coreFromEnvironment } from './core.ts'
import { startAgain } from './start-again.ts'

export const handler = maintenanceHandler(() => coreFromEnvironment(), startAgain)
