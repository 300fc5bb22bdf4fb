import { createServer, type Server } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import { type Account, type Adapter, type JWK, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { clients, people } from '../targets/fixtures.ts';
import type { TargetTask } from '../targets/task.ts';
import { registerPasswordGrant } from './bare-password-grant.ts';
import type { BareStore } from './bare-store.ts';
import { createInteractionPages } from './interaction-pages.ts';
import { addPerson, createSignIn } from './sign-in.ts';

/**
 * The library as one writes an application around it from its documentation and example adapters: clients in the
 * store, a login form, consent given with the sign-in, one RSA key.
 */
export const openBareServer = async (store: BareStore, task: TargetTask): Promise<Server> => {
  const issuer = `http://127.0.0.1:${task.port}`;
  for (const person of people) await addPerson(store.people, person, task.hashing);
  const clientRows = store.adapter('Client');
  for (const { redirect_uris, ...client } of clients) {
    const response_types = redirect_uris.length === 0 ? [] : ['code' as const];
    await clientRows.upsert(
      client.client_id,
      { ...client, response_types, redirect_uris } as never,
      undefined,
    ); // client metadata, which the type of payloads does not know
  }
  const findAccount = async (id: string): Promise<Account | undefined> => {
    const person = await store.people.findById(id);
    if (person === undefined) return undefined;
    const { email, name, username } = person;
    const claims = { sub: id, email, email_verified: true, name, preferred_username: username };
    return { accountId: id, claims: async () => claims };
  };
  const provider = new Provider(issuer, {
    adapter: (model: string): Adapter => store.adapter(model),
    jwks: { keys: [await rsaKey()] },
    findAccount: (_ctx, id) => findAccount(id),
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
    cookies: { keys: ['bench-only-cookie-key'] },
    pkce: { required: () => true },
    responseTypes: ['code'],
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 60,
      ClientCredentials: 600,
      DeviceCode: 600,
      Grant: 1_209_600,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 1_209_600,
      Session: 1_209_600,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (ctx, form) =>
          showForm(ctx, `${form}<button form="op.deviceInputForm">Go on</button>`),
        userCodeConfirmSource: (ctx, form) => showForm(ctx, form),
        successSource: (ctx) => showForm(ctx, '<p>Done</p>'),
      },
      introspection: { enabled: true },
      revocation: { enabled: true },
    },
  });
  const signIn = createSignIn(store.people);
  registerPasswordGrant(provider, { signIn, findAccount });
  const answer = provider.callback();
  const showInteraction = createInteractionPages(provider, signIn);
  return createServer((req, res) => {
    if (req.url?.startsWith('/interaction/') !== true) return void answer(req, res);
    showInteraction(req, res).catch((error: unknown) => {
      res.statusCode = 500;
      res.end(String(error));
    });
  });
};

const showForm = (ctx: KoaContextWithOIDC, form: string): void => {
  ctx.type = 'html';
  ctx.body = `<!doctype html><title>Device</title><h1>Device</h1>${form}`;
};

/** One key of one process, so the defect of Node 20 in exporting many (see performance notes) is not met. */
const rsaKey = async (): Promise<JWK> => {
  const { privateKey } = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true });
  return { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'bench' } as JWK; // of a private key
};
