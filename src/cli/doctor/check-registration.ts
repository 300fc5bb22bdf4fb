import { askRegistrationCheck, notAsAgreed } from '../../accounts/registration-check.ts';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { type Finding, ok, problem, reasonOfFetch } from './finding.ts';

const about = 'registration';
/** RFC 2606 section 2: nobody has this address. The service of the operator can tell it by that. */
const nobody = { email: 'doctor@drawbridge.invalid', address: '127.0.0.1', userAgent: 'drawbridge doctor' };

/** Asks the operator's own service about a registration of nobody: either verdict is one. */
export const checkRegistration = async (
  { id, registration }: Pick<TenantDefinition, 'id' | 'registration'>,
  clock: Clock,
): Promise<readonly Finding[]> => {
  const check = registration?.check;
  if (check === undefined) return [];
  try {
    const answer = await askRegistrationCheck({ tenant: id, check, clock }, nobody);
    if (answer.verdict !== 'not_as_agreed') return [ok(about, `${check.url} answers`)];
    const lead = `${check.url} ${notAsAgreed}, but with ${answer.status}, so nobody can register`;
    return [
      problem(
        about,
        `${lead}. Write the URL of your service as registration.check.url, and the key with which it verifies the signature as registration.check.key (docs/accounts.md).`,
      ),
    ];
  } catch (error) {
    const lead = `${check.url} cannot be reached, so nobody can register: ${reasonOfFetch(error)}`;
    return [
      problem(about, `${lead}. Check registration.check.url and the network, or remove registration.check.`),
    ];
  }
};
