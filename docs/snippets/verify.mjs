import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.SIGNING_SECRET);

createServer(async (request, response) => {
  // Verify the body as it was sent. Parsing and serialising it again breaks the signature.
  const body = await text(request);
  try {
    const { jobId, data } = webhook.verify(body, request.headers);
    console.log(jobId, data.length);
    response.writeHead(204).end();
  } catch {
    response.writeHead(401).end();
  }
}).listen(process.env.PORT ?? 8080);
