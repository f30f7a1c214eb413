// A real OAuth2 authorization server for tests of client credentials, and a resource that believes nobody else.
//
//   node server.mjs '{"clients": [{"client_id": "a", "client_secret": "b"}]}'
//
// It listens on 127.0.0.1, on a port of the system's choice. When it is ready it prints one line of JSON: where everything is.
// It ends when its standard input closes, so that none outlives the test that started it.
//
// What the argument may say:
//   clients[]  client_id, client_secret     printable ASCII, any of it
//              token_endpoint_auth_method   client_secret_basic (default), client_secret_post
//              scope                        the scopes it may ask for, separated by spaces; default: all
//              ttl                          lifetime of its tokens in whole seconds
//   ttl        lifetime where the client has none; default 600
//   scopes     all scopes there are; default ["read", "write", "admin"]
//   resources  resource indicators (RFC 8707) and their scopes, {"https://a.example/": "read"}; `api_url` is always one

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

// The provider logs its advice with console.info. Standard output is for our one line.
console.info = console.error;

// Loaded only now, for it may have advice while it loads.
const { default: Provider, errors } = await import('oidc-provider');

const { clients = [], ttl = 600, scopes = ['read', 'write', 'admin'], resources = {} } = JSON.parse(process.argv[2] ?? '{}');
const lifetimes = new Map(clients.map((client) => [client.client_id, client.ttl ?? ttl]));
const outcomes = { issued: 0 };

process.stdin.resume();
for (const event of ['end', 'error']) process.stdin.on(event, () => process.exit());

const server = createServer();
// The issuer is part of the provider's configuration, so the port comes first.
server.listen(0, '127.0.0.1', async () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const apiUrl = `${issuer}/api`;
  const provider = authorizationServer(issuer, { ...resources, [apiUrl]: scopes.join(' ') });
  const answer = provider.callback();
  // The provider looks at a client when it is first asked for. Better to end now than to refuse a test that is right.
  for (const { client_id: id } of clients) await provider.Client.find(id);

  server.on('request', (request, response) => {
    const path = request.url.split('?')[0];
    if (path === '/api') api(provider, request, response);
    else if (path === '/stats') json(response, 200, outcomes);
    else answer(request, response);
  });
  console.log(JSON.stringify({
    issuer,
    token_url: `${issuer}/token`,
    introspection_url: `${issuer}/token/introspection`,
    revocation_url: `${issuer}/token/revocation`,
    api_url: apiUrl,
    stats_url: `${issuer}/stats`,
  }));
});

function authorizationServer(issuer, known) {
  const provider = new Provider(issuer, {
    adapter: Memory,
    clients: clients.map(({ ttl: _, ...client }) => ({
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      ...client,
    })),
    // Nothing here is signed; a key and a cookie secret of our own only keep the provider from warning about its own.
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    cookies: { keys: [randomUUID()] },
    jwks: { keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_, resource) {
          if (!Object.hasOwn(known, resource)) throw new errors.InvalidTarget();
          return { scope: known[resource] };
        },
      },
      revocation: { enabled: true },
    },
    scopes,
    ttl: { ClientCredentials: (_, __, client) => lifetimes.get(client.clientId) },
  });

  const count = (outcome) => { outcomes[outcome] = (outcomes[outcome] ?? 0) + 1; };
  provider.on('grant.success', () => count('issued'));
  provider.on('grant.error', (_, error) => count(error.error));
  provider.on('server_error', (_, error) => {
    count('server_error');
    console.error(error);
  });
  return provider;
}

// A resource that lets in whom the provider knows: it is asked anew for each request, so what expired or was revoked is out at once.
async function api(provider, request, response) {
  const [, presented] = /^Bearer +([^ ]+)$/i.exec(request.headers.authorization ?? '') ?? [];
  // RFC 6750 3.1: no error code for whom that brought no token.
  if (!presented) return json(response, 401, {}, { 'www-authenticate': 'Bearer realm="api"' });

  const token = await provider.ClientCredentials.find(presented);
  if (!token?.isValid) {
    return json(response, 401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer realm="api", error="invalid_token"' });
  }
  return json(response, 200, { client_id: token.clientId, scope: token.scope, audience: token.aud });
}

function json(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

// The provider's own memory forgets live tokens when there are many of them. This one forgets what was destroyed, nothing else.
class Memory {
  #entries = new Map();

  async upsert(id, payload) { this.#entries.set(id, payload); }

  async find(id) { return this.#entries.get(id); }

  async destroy(id) { this.#entries.delete(id); }
}
