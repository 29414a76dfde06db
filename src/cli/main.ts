#!/usr/bin/env node
import { Command, Help, type Option } from 'commander'
import about from '../../package.json' with { type: 'json' }
import { brokersCommand } from './brokers.ts'
import { connectCommand } from './connect.ts'
import { groupsCommand } from './groups.ts'
import { maintainCommand } from './maintain.ts'
import { restoreCommand } from './restore.ts'
import { startCommand } from './start.ts'
import { verifyCommand } from './verify.ts'

const plainHelp = new Help()
const isOff = ({ defaultValue }: Option) =>
  defaultValue === false || (Array.isArray(defaultValue) && defaultValue.length === 0)

const millrace = new Command('millrace')
  .description(about.description)
  .version(about.version, '--version', 'print the version')
  // That something is off unless asked for goes without saying.
  .configureHelp({
    optionDescription: (option) => (isOff(option) ? option.description : plainHelp.optionDescription(option)),
  })
  // One line for a bad option, like all our other words.
  .configureOutput({
    outputError: (text, write) =>
      write(
        `${text
          .trim()
          .replace(/^error: /, 'millrace: ')
          .replaceAll('\n', ' ')}\n`,
      ),
  })
// Settings are handed down only to commands that are made here.
function adopt(parent: Command, child: Command): Command {
  child.copyInheritedSettings(parent)
  for (const command of child.commands) adopt(child, command)
  return child
}

const commands = [
  startCommand(),
  connectCommand(),
  groupsCommand(),
  brokersCommand(),
  restoreCommand(),
  verifyCommand(),
  maintainCommand(),
]
for (const command of commands) millrace.addCommand(adopt(millrace, command))
await millrace.parseAsync()
