import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { idSchema } from '../../web/api/api-schemas.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { defineOperation } from './operation.ts';

export const disconnectOwnSource = defineOperation({
  id: 'disconnectOwnSource',
  method: 'DELETE',
  path: '/sources/{id}',
  summary: 'Disconnect a source',
  description:
    'The person no longer signs in through it. All other sessions end, because one may have begun there. A source is ' +
    'connected on the account page, as the person has to sign in there.',
  parameters: { path: z.object({ id: idSchema }) },
  refusals: { 409: '`last_source`: the person could not sign in any more.' },
  answer: { description: 'It is no longer connected.' },
  handle: async ({ tenant, person: { sub, revocationIds, by }, path }) => {
    const { address, requestId } = by;
    const outcome = await tenant.disconnectSource({
      ...{ sub, source: path.id, keptIds: revocationIds, address, requestId },
    });
    if (outcome.ok) return undefined;
    if (outcome.reason === 'last')
      throw new OperationRefusal(409, {
        code: 'last_source',
        description: 'This is the only way to sign in. Set a password or connect another source first',
      });
    throw new AppError('not_found', 'This source is not connected');
  },
});
