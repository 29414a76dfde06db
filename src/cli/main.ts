#!/usr/bin/env node
import { Command } from 'commander'
import { startCommand } from './start.ts'

await new Command('millrace')
  .description('Kafka without servers: topics, partitions, offsets and commits on Lambda, DynamoDB and S3')
  .addCommand(startCommand())
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'millrace: ')) })
  .parseAsync()
