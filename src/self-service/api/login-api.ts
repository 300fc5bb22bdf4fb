// Sign-in on an app's own page, in one request, and its end.

import { z } from 'zod';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import type { LoginProof } from '../../oidc/direct-login/direct-login.ts';
import { findClient } from '../../oidc/provider/clients.ts';
import { isHeldBy } from '../../oidc/tokens/certificate-binding.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { readToken } from '../../web/bearer.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { shareWith } from '../cross-origin.ts';
import { getBearerClient } from './direct-client.ts';
import { loginRefusal, loginRefusals, tokenSchema } from './login-answers.ts';
import { definePublicOperation } from './operation.ts';

const text = z.string().min(1);

const loginSchema = z.strictObject({
  client_id: text,
  client_secret: text.optional().meta({ description: 'Of a confidential client.' }),
  username: text.optional(),
  password: text.optional(),
  otp: text.optional().meta({ description: 'A code of an authenticator app, or a recovery code.' }),
  mfa_token: text.optional().meta({
    description: 'In place of username and password, with `otp`: of the answer `mfa_required`.',
  }),
  scope: z
    .string()
    .max(1000)
    .optional()
    .meta({ description: 'Built-in scopes, separated by spaces. Default: `openid account`.' }),
});

export const logIn = definePublicOperation({
  id: 'logIn',
  method: 'POST',
  path: '/login',
  summary: 'Sign in with name and password, on a page of the app',
  description:
    'For clients with `directLogin: true`. The token has a session of its own, which lives as long.',
  body: loginSchema,
  answer: { description: 'An opaque access token.', schema: tokenSchema },
  refusals: loginRefusals,
  handle: async ({ ctx, tenant, body }) => {
    const { metadata } = getBearerClient(ctx, tenant.definition, definedOnly(body));
    const { address, requestId } = requestFacts(ctx);
    const origin = { clientId: metadata.client_id, address, requestId, userAgent: ctx.get('User-Agent') };
    const outcome = await tenant.directLogin.login(proofIn(body), origin, body.scope);
    if (!outcome.ok) throw loginRefusal(ctx, tenant, outcome);
    const { value, lifeSeconds, scope } = outcome.token;
    return { access_token: value, token_type: 'Bearer' as const, expires_in: lifeSeconds, scope };
  },
});

/** @throws AppError */
const proofIn = ({
  username,
  password,
  otp,
  mfa_token: mfaToken,
}: z.output<typeof loginSchema>): LoginProof => {
  if (mfaToken !== undefined && otp !== undefined && username === undefined && password === undefined)
    return { mfaToken, otp };
  if (mfaToken === undefined && username !== undefined && password !== undefined)
    return { username, password, ...definedOnly({ otp }) };
  throw new AppError('invalid_request', 'Send username and password, or mfa_token and otp');
};

export const logOut = definePublicOperation({
  id: 'logOut',
  method: 'POST',
  path: '/logout',
  summary: 'End the session of an access token',
  description:
    'The token is in `Authorization`: Bearer, or Basic as user name with an empty password. With its session end all tokens of that, and the sessions at services. Of a token without a session the grant ends.',
  answer: { description: 'The session has ended.' },
  refusals: {
    401: 'There is no access token, or it is no longer valid.',
    403: 'The access token is of a third-party client, or of no person.',
  },
  handle: async ({ ctx, tenant }) => {
    const token = readToken(ctx);
    const live = token === undefined ? undefined : await tenant.accessTokens.verify(token);
    if (live === undefined || !isHeldBy(live, () => tenant.provider.certificateOf(ctx.req))) {
      const reason = token === undefined ? '' : ', error="invalid_token"';
      ctx.set('WWW-Authenticate', `Bearer realm="${tenant.provider.issuer}"${reason}`);
      throw new OperationRefusal(401, {
        code: token === undefined ? 'unauthorized' : 'invalid_token',
        description: 'An access token that is valid is expected',
      });
    }
    shareWith(ctx, findClient(tenant.definition, live.clientId)?.allowedOrigins ?? []);
    const { account, revocationIds, isThirdParty } = live;
    if (account === undefined || isThirdParty)
      throw new OperationRefusal(403, {
        code: 'insufficient_scope',
        description: 'The access token is of a third-party client, or of no person',
      });
    const { sub } = account;
    const { address, requestId } = requestFacts(ctx);
    const by = { actor: sub, address, requestId };
    const [grant = '', session] = revocationIds;
    if (session === undefined || !(await tenant.sessions.end(sub, session, by)))
      await tenant.sessions.endGrant(sub, grant, by);
    return undefined;
  },
});
