import { withoutInvisibleEdges } from '../protocol/canonical-login.ts';
import type { Accounts, LinkOutcome, PasswordLinkOutcome } from './account-types.ts';
import { factsOf } from './password-gate.ts';
import { endProof } from './password-sources.ts';
import { createPasswordVerification, type SignInParts } from './sign-in.ts';

/**
 * A person who is signed in proves with a password who they are at a source; counted and throttled like a sign-in.
 * Only that source is asked, because the password belongs to no other.
 */
export const createPasswordLink = (
  parts: SignInParts,
  link: Accounts['link'],
): Accounts['linkByPassword'] => {
  const verification = createPasswordVerification(parts);
  const notThere: LinkOutcome = { ok: false, reason: 'not_found' };

  return async (sub, { source, ...typed }): Promise<PasswordLinkOutcome> => {
    const attempt = { ...typed, login: withoutInvisibleEdges(typed.login) };
    const connector = parts.connectors.find(({ definition }) => definition.id === source);
    if (connector?.passwords === undefined || connector.definition.type === 'local') return notThere;
    const counted = await parts.gate(attempt, 'account.link');
    if (!counted.ok) return counted;
    const verdict = await verification.ask(counted, attempt, [connector]);
    if (!verdict.ok) return verification.refuse(counted, verdict);
    endProof(connector, verdict.grant);
    await counted.accept();
    return link(sub, verdict.identity, { ...factsOf(attempt), via: 'link' });
  };
};
