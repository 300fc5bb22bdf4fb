// A program that acts for itself, with no user: client credentials (RFC 6749 section 4.4).
const { ISSUER = 'http://localhost:3000/oauth/examples' } = process.env;
const { CLIENT_SECRET = 'service-example-secret-only-for-localhost' } = process.env;

const discovery = await fetch(`${ISSUER}/.well-known/openid-configuration`);
const { token_endpoint: tokenEndpoint } = await discovery.json();
const answer = await fetch(tokenEndpoint, {
  method: 'POST',
  headers: {
    // both parts are form-encoded first (RFC 6749 section 2.3.1)
    Authorization: `Basic ${btoa(`service:${encodeURIComponent(CLIENT_SECRET)}`)}`,
  },
  body: new URLSearchParams({
    grant_type: 'client_credentials',
    resource: 'https://api.example.com/reports',
    scope: 'reports:read',
  }),
});
const token = await answer.json();
if (!answer.ok) throw new Error(`${token.error}: ${token.error_description} (${answer.headers.get('x-error-id')})`);

// Send it to the API as `Authorization: Bearer …`, and use it again until it expires.
const [, payload] = token.access_token.split('.');
const { sub, aud, scope } = JSON.parse(Buffer.from(payload, 'base64url'));
console.log(`Token of ${sub} for ${aud} with ${scope}, for ${token.expires_in} seconds`);
