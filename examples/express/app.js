import express from 'express';
import session from 'express-session';
import * as oidc from 'openid-client';

const { ISSUER = 'http://localhost:3000/oauth/examples', PORT = '8101' } = process.env;
const { CLIENT_SECRET = 'express-example-secret-only-for-localhost' } = process.env;
const home = `http://localhost:${PORT}/`;

// the default of the library, client_secret_post, is not that of Drawbridge
const authentication = oidc.ClientSecretBasic(CLIENT_SECRET);
const provider = await oidc.discovery(new URL(ISSUER), 'express', undefined, authentication, {
  // without https only on this machine
  execute: ISSUER.startsWith('http://localhost:') ? [oidc.allowInsecureRequests] : [],
});

const app = express();
app.use(
  session({
    secret: process.env.SESSION_SECRET ?? oidc.randomState(),
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax', secure: home.startsWith('https:') },
  }),
);

app.get('/', (req, res) => {
  const { user } = req.session;
  if (user === undefined) return res.redirect('/login');
  return res.type('text').send(`Hello, ${user.name}. Your groups: ${user.groups.join(', ')}`);
});

app.get('/login', async (req, res) => {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  req.session.pending = { verifier, state };
  const url = oidc.buildAuthorizationUrl(provider, {
    redirect_uri: `${home}callback`,
    scope: 'openid profile email groups',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  });
  res.redirect(url.href);
});

app.get('/callback', async (req, res) => {
  const { pending } = req.session;
  if (pending === undefined) return res.redirect('/login');
  const tokens = await oidc.authorizationCodeGrant(provider, new URL(req.originalUrl, home), {
    pkceCodeVerifier: pending.verifier,
    expectedState: pending.state,
  });
  const { sub, groups = [] } = tokens.claims();
  const { name } = await oidc.fetchUserInfo(provider, tokens.access_token, sub);
  // a new session id, so that nobody knows it from before the sign-in
  await new Promise((resolve, reject) => req.session.regenerate((error) => (error ? reject(error) : resolve())));
  req.session.user = { sub, name, groups, idToken: tokens.id_token };
  return res.redirect('/');
});

app.get('/logout', (req, res) => {
  const idToken = req.session.user?.idToken;
  req.session.destroy(() =>
    res.redirect(
      oidc.buildEndSessionUrl(provider, {
        post_logout_redirect_uri: home,
        ...(idToken === undefined ? {} : { id_token_hint: idToken }),
      }).href,
    ),
  );
});

app.listen(Number(PORT), 'localhost', () => console.log(`Open ${home}`));
