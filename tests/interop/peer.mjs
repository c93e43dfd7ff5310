// The other side: an HTTP server on loopback that verifies and signs with other people's libraries.
//
//   POST /verify/<library>  200 if the library accepts the request as it stands, else 401 with its words
//   POST /sign/<library>    signs the body, posts it to x-peer-target, and answers with what came back
//
// Headers that steer it: x-peer-secret; x-peer-time (unix seconds of signing, or of the library's clock when
// verifying); x-peer-tamper (appended to the body after signing). It prints its port, and ends when its standard
// input does.
import http from 'node:http';
import { sign as octokitSign, verify as octokitVerify } from '@octokit/webhooks-methods';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { Webhook as SvixWebhook } from 'svix';

function standardWebhooks(Webhook) {
  return {
    verify: (body, headers, secret) => new Webhook(secret).verify(body, headers),
    sign: (body, secret, time) => {
      const id = 'msg_2Lr0';
      return {
        'webhook-id': id,
        'webhook-timestamp': String(time),
        'webhook-signature': new Webhook(secret).sign(id, new Date(time * 1000), body.toString()),
      };
    },
  };
}

const libraries = {
  stripe: {
    verify: (body, headers, secret, time) =>
      Stripe.webhooks.constructEvent(body, headers['x-fpt-signature'], secret, 300, undefined, time * 1000),
    sign: (body, secret, timestamp) => ({
      'X-FPT-Signature': Stripe.webhooks.generateTestHeaderString({ payload: body.toString(), secret, timestamp }),
    }),
  },
  svix: standardWebhooks(SvixWebhook),
  standardwebhooks: standardWebhooks(StandardWebhook),
  octokit: {
    verify: async (body, headers, secret) => {
      if (!(await octokitVerify(secret, body.toString(), headers['x-hub-signature-256']))) throw new Error('no match');
    },
    sign: async (body, secret) => ({ 'X-Hub-Signature-256': await octokitSign(secret, body.toString()) }),
  },
};

function post(target, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(target, { method: 'POST', headers, agent: false, timeout: 10_000 }, async (response) => {
      resolve({ status: response.statusCode, body: await read(response) });
    });
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('timed out')));
    request.end(body);
  });
}

async function read(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function answer(request) {
  const [, action, library] = request.url.split('/');
  const { 'x-peer-secret': secret, 'x-peer-target': target, 'x-peer-tamper': tamper = '' } = request.headers;
  const time = Number(request.headers['x-peer-time'] ?? Math.floor(Date.now() / 1000));
  const body = await read(request);
  if (action === 'verify') {
    try {
      await libraries[library].verify(body, request.headers, secret, time);
      return { status: 200, body: 'accepted' };
    } catch (error) {
      return { status: 401, body: error.message };
    }
  }
  const headers = { 'Content-Type': 'application/json', ...(await libraries[library].sign(body, secret, time)) };
  if (target.includes('/verify/')) headers['x-peer-secret'] = secret;
  return post(target, headers, Buffer.concat([body, Buffer.from(tamper)]));
}

const server = http.createServer(async (request, response) => {
  try {
    const { status, body } = await answer(request);
    response.writeHead(status).end(body);
  } catch (error) {
    response.writeHead(500).end(error.stack);
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit(0));
