/** The Kafka port: TCP in front of the broker's handlers, for every client of Kafka. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Answerer, answererOf } from '../../broker/answer-frame.ts'
import type { Broker } from '../../broker/broker.ts'
import type { Clock } from '../../runtime/clock.ts'
import { Budget } from './budget.ts'
import { Connection } from './connection.ts'
import { type KafkaLimits, kafkaLimits } from './limits.ts'
import { RequestRoom } from './request-room.ts'

export type KafkaServer = {
  /** Where it listens, the port as given by the system where 0 was asked for. */
  readonly host: string
  readonly port: number
  /** Connections that are open. */
  connections(): number
  /** Takes no more requests, waits up to `graceMs` for those that are here to be answered, then cuts them off. */
  stop(graceMs: number): Promise<void>
}

export type KafkaOptions = {
  readonly host: string
  readonly port: number
  /** Made when it is known where clients are to be sent. */
  readonly brokerAt: (address: { readonly host: string; readonly port: number }) => Broker | Answerer
  readonly clock: Clock
  readonly limits?: Partial<KafkaLimits>
}

/** Listens. Rejects with Node's error (`EADDRINUSE`, `EACCES`, …) where it cannot. */
export async function startKafkaServer(options: KafkaOptions): Promise<KafkaServer> {
  const limits = { ...kafkaLimits, ...options.limits }
  // A client that is done asking may still want its answers.
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true })
  server.maxConnections = limits.connectionsMax
  const { address: host, port } = await listen(server, options.host, options.port)
  const made = options.brokerAt({ host, port })
  const shared = {
    answerer: 'answer' in made ? made : answererOf(made),
    limits,
    requests: new RequestRoom(limits.heldBytesMax),
    records: new Budget(limits.unsentRecordBytesMax),
    answers: new Budget(limits.unsentBytesMax),
  }
  const open = new Map<Connection, Socket>()
  let count = 0
  server.on('connection', (socket) => {
    const connection = new Connection(
      socket,
      `${host}:${port}-${socket.remoteAddress}:${socket.remotePort}-${count++}`,
      shared,
    )
    open.set(connection, socket)
    void connection.finished.then(() => open.delete(connection))
  })
  return {
    host,
    port,
    connections: () => open.size,
    async stop(graceMs) {
      const closed = new Promise((resolve) => server.close(resolve))
      const connections = [...open.keys()]
      for (const connection of connections) connection.end()
      const overdue = new AbortController()
      const finished = Promise.all(connections.map((connection) => connection.finished))
      await Promise.race([finished, options.clock.sleep(graceMs, overdue.signal)])
      overdue.abort()
      for (const socket of open.values()) socket.destroy()
      await closed
    },
  }
}

function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve(server.address() as AddressInfo) // A string only for pipes.
    })
  })
}
