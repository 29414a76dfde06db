import { maintenanceHandler } from '../src/maintenance/lambda.ts'
import { coreFromEnvironment } from './core.ts'

export const handler = maintenanceHandler(() => coreFromEnvironment())
