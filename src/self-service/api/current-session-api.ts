// The session of the access token that is presented: shown, and prolonged.
import { z } from 'zod';
import { timeSchema } from '../../web/api/api-schemas.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { readBearer } from '../../web/bearer.ts';
import { defineOperation } from './operation.ts';

export const showOwnSession = defineOperation({
  id: 'showOwnSession',
  method: 'GET',
  path: '/session',
  summary: 'Is the access token good, and for how long?',
  answer: {
    description: 'It is.',
    schema: z
      .object({ sub: z.string(), username: z.string(), expires_at: timeSchema })
      .meta({ id: 'CurrentSession' }),
  },
  handle: async ({ ctx, tenant, person: { sub, account } }) => {
    const live = await tenant.accessTokens.verify(readBearer(ctx) ?? '');
    return { sub, username: account.username, expires_at: live?.expiresAt ?? 0 };
  },
});

export const refreshOwnSession = defineOperation({
  id: 'refreshOwnSession',
  method: 'POST',
  path: '/session/refresh',
  summary: 'Prolong the session of the access token',
  description: 'Of tokens of `POST /login` and `POST /sessions`. The token stays the same.',
  answer: {
    description: 'The token lives on.',
    schema: z.object({ expires_in: z.int().min(0).meta({ description: 'Seconds.' }) }),
  },
  refusals: { 409: 'The token is of another kind; it is renewed by a refresh token.' },
  handle: async ({ ctx, tenant }) => {
    const expiresIn = await tenant.prolongSession(readBearer(ctx) ?? '');
    if (expiresIn === undefined)
      throw new OperationRefusal(409, {
        code: 'not_refreshable',
        description: 'Only tokens of the login API are prolonged',
      });
    return { expires_in: expiresIn };
  },
});
