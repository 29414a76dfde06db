/**
 * The served document, with names that exist: of random ones alone a server says 404 for ever. Without time-outs, for a poll that
 * waits 20 s as it is asked to is right and teaches nothing.
 */
type Parameter = { name: string; in: string; schema: Record<string, unknown> }
export type Document = { paths: Record<string, Record<string, { parameters: Parameter[] }>> }

/** `known`: values of path parameters that exist. One of them, or any other that the document allows. */
export function withExamples(
  document: Document,
  known: Readonly<Record<string, readonly (string | number)[]>>,
): Document {
  const parameterOf = (parameter: Parameter): Parameter => {
    const values = parameter.in === 'path' ? known[parameter.name] : undefined
    const { type } = parameter.schema
    // The type outside, too: of a text in a path nothing is of another type, and none can be sent.
    const schema = { type, anyOf: [{ enum: values }, { enum: values }, parameter.schema] }
    if (values) return { ...parameter, schema }
    return parameter
  }
  const paths = Object.entries(document.paths).map(([path, methods]) => [
    path,
    Object.fromEntries(
      Object.entries(methods).map(([method, operation]) => [
        method,
        { ...operation, parameters: operation.parameters.filter(({ name }) => name !== 'timeout').map(parameterOf) },
      ]),
    ),
  ])
  return { ...document, paths: Object.fromEntries(paths) }
}
