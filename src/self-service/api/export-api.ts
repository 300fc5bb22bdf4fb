import { z } from 'zod';
import { timeSchema } from '../../web/api/api-schemas.ts';
import { defineOperation } from './operation.ts';

const factsSchema = z.record(z.string(), z.unknown());

export const exportOwnAccount = defineOperation({
  id: 'exportOwnAccount',
  method: 'GET',
  path: '/export',
  summary: 'All that is kept of the person',
  description: 'The file of the account page. It needs a sign-in of the last five minutes.',
  needsRecentSignIn: true,
  answer: {
    description: 'Without passwords, hashes and secrets.',
    schema: z
      .object({
        exported_at: timeSchema,
        account: factsSchema,
        sessions: z.array(factsSchema),
        apps: z.array(factsSchema),
        devices: z.array(factsSchema),
        keys: z.array(factsSchema).meta({ description: 'API keys.' }),
        mails: z.array(factsSchema).meta({ description: 'Newest first; without text, code and link.' }),
        audit: z.array(factsSchema).meta({ description: 'Newest first; the newest ten thousand entries.' }),
      })
      .meta({ id: 'Export' }),
  },
  handle: async ({ tenant, person }) => {
    const { account, sessions, apps, devices, keys, mails, audit, exported_at } = await tenant.exportPerson(
      person.account,
    );
    return {
      exported_at,
      account,
      sessions: [...sessions],
      apps: [...apps],
      devices: [...devices],
      keys: [...keys],
      mails: [...mails],
      audit: [...audit],
    };
  },
});
