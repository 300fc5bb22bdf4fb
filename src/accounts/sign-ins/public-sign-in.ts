import { definedOnly } from '../../defined-only.ts';
import { browserName } from '../session-origin.ts';
import type { SignInEntry } from './sign-in-entry.ts';

/** What every API shows of an entry; the apps are shown in the way of each. */
export const publicSignIn = ({ kind, id, name, amr, origin, services, ...times }: SignInEntry) => ({
  ...{ kind, id },
  ...definedOnly({
    name,
    signed_in_at: times.signedInAt,
    last_used_at: times.lastUsedAt,
    expires_at: times.expiresAt,
    address: origin?.address,
    amr: amr && [...amr],
  }),
  ...browserName(origin ?? {}),
  services: [...services],
});
