// Vercel's AI SDK as its own guide has it for a plain Node server: streamText piped to the response.
import { createServer } from 'node:http'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { streamText } from 'ai'

const google = createGoogleGenerativeAI({ baseURL: `${process.argv[2]}/v1beta`, apiKey: 'key-of-the-bench' })
const http = createServer(async (request, response) => {
  let prompt = ''
  for await (const piece of request) prompt += piece
  const { text } = JSON.parse(prompt)
  streamText({ model: google('gemini-3.5-flash-lite'), prompt: text, maxOutputTokens: 16000 }).pipeTextStreamToResponse(
    response,
  )
})
http.listen(0, '127.0.0.1', 4096, () => console.log(`http://127.0.0.1:${http.address().port}`))
process.once('SIGINT', () => process.exit(0))
