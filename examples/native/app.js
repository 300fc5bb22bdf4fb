// An app on a computer: the user's own browser, a redirect to a loopback address, PKCE (RFC 8252).
import { createServer } from 'node:http';
import * as oidc from 'openid-client';

const { ISSUER = 'http://localhost:3000/oauth/examples' } = process.env;

const provider = await oidc.discovery(new URL(ISSUER), 'native', undefined, oidc.None(), {
  execute: ISSUER.startsWith('http://localhost:') ? [oidc.allowInsecureRequests] : [],
});

// the system chooses a free port; redirect_uris has the address without a port
const server = createServer().listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const redirectUri = `http://127.0.0.1:${server.address().port}/callback`;

const verifier = oidc.randomPKCECodeVerifier();
const state = oidc.randomState();
const url = oidc.buildAuthorizationUrl(provider, {
  redirect_uri: redirectUri,
  scope: 'openid profile offline_access',
  prompt: 'consent',
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
});
// an app opens it: `open` on macOS, `xdg-open` on Linux, `start` on Windows
console.log(`Open ${url.href}`);

const returned = await new Promise((resolve) => {
  server.on('request', (req, res) => {
    if (!req.url.startsWith('/callback')) return res.writeHead(404).end();
    res.setHeader('Connection', 'close');
    res.end('You are signed in. You can close this window.');
    return resolve(new URL(req.url, redirectUri));
  });
});
server.close();

const tokens = await oidc.authorizationCodeGrant(provider, returned, {
  pkceCodeVerifier: verifier,
  expectedState: state,
});
const { name } = await oidc.fetchUserInfo(provider, tokens.access_token, tokens.claims().sub);
// keep the refresh token in the system's key store; each use gives a new one
const renewed = await oidc.refreshTokenGrant(provider, tokens.refresh_token);
console.log(`Hello, ${name}. The next access token is valid for ${renewed.expires_in} seconds.`);
