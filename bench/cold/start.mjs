// A fresh process, as Lambda would start it: imports the bundled function and sends it one tiny produce.
const began = performance.now()
const { handler } = await import(process.argv[2])
const loaded = performance.now()
const answer = await handler({
  version: '2.0',
  routeKey: 'POST /topics/{topic}',
  rawPath: '/topics/cold',
  rawQueryString: '',
  headers: { 'content-type': 'application/vnd.kafka.json.v2+json', host: 'localhost' },
  pathParameters: { topic: 'cold' },
  requestContext: {
    requestId: '1',
    stage: '$default',
    domainName: 'localhost',
    http: { method: 'POST', path: '/topics/cold', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: '' },
  },
  body: '{"records":[{"value":"tiny"}]}',
  isBase64Encoded: false,
})
const answered = performance.now()
if (answer.statusCode !== 200) throw new Error(JSON.stringify(answer))
console.log(JSON.stringify({ load: loaded - began, first: answered - loaded }))
