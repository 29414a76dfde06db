import { defineConfig } from 'vitest/config'

/** `local` needs nothing but Node. Every other project is a lane that says what it needs (see docs/architecture.md). */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'local',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lanes/**'],
          // Some start a dozen processes one after the other, on machines that have other work to do.
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'dynamodb-local',
          include: ['test/lanes/dynamodb-local/**/*.test.ts'],
          globalSetup: 'test/lanes/dynamodb-local/start.ts',
          fileParallelism: false,
          testTimeout: 900_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'ministack',
          include: ['test/lanes/ministack/**/*.test.ts'],
          globalSetup: 'test/lanes/ministack/start.ts',
          fileParallelism: false,
          testTimeout: 900_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'localstack',
          include: ['test/lanes/localstack/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'package',
          include: ['test/lanes/package/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'java-codec',
          include: ['test/lanes/java-codec/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      { test: { name: 'many-writers', include: ['test/lanes/many-writers/**/*.test.ts'], testTimeout: 600_000 } },
      {
        test: {
          name: 'durability',
          include: ['test/lanes/durability/**/*.test.ts'],
          testTimeout: 300_000,
          // A C compiler runs before all.
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/lanes/faults/**/*.test.ts'],
          globalSetup: 'test/lanes/faults/start.ts',
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'openapi',
          include: ['test/lanes/openapi/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'rest-clients',
          include: ['test/lanes/rest-clients/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'groups',
          include: ['test/lanes/groups/**/*.test.ts'],
          globalSetup: 'test/lanes/ministack/start.ts',
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'kafka-clients',
          include: ['test/lanes/kafka-clients/**/*.test.ts'],
          globalSetup: 'test/lanes/kafka-clients/start.ts',
          testTimeout: 120_000,
          hookTimeout: 300_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'compaction',
          include: ['test/lanes/compaction/**/*.test.ts'],
          testTimeout: 300_000,
          // Maven brings a Kafka broker the first time.
          hookTimeout: 300_000,
        },
      },
      { test: { name: 'roll', include: ['test/lanes/roll/**/*.test.ts'], testTimeout: 600_000 } },
      {
        test: {
          name: 'connect-clients',
          include: ['test/lanes/connect-clients/**/*.test.ts'],
          globalSetup: 'test/lanes/connect-clients/start.ts',
          testTimeout: 240_000,
          hookTimeout: 300_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'brokers',
          include: ['test/lanes/brokers/**/*.test.ts'],
          globalSetup: 'test/lanes/ministack/start.ts',
          testTimeout: 240_000,
          hookTimeout: 300_000,
        },
      },
      { test: { name: 'kill9', include: ['test/lanes/kill9/**/*.test.ts'], testTimeout: 280_000 } },
    ],
  },
})
