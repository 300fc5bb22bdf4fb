import type { Accounts, LinkOutcome } from './account-types.ts';
import type { Revocations } from './revocations.ts';

export interface Disconnection {
  readonly sub: string;
  /** Id of the source. */
  readonly source: string;
  /** The session in which the person disconnects it; ids of other things among them mean nothing. */
  readonly keptIds: readonly string[];
  readonly address: string;
  readonly requestId: string;
}

/**
 * The person takes back the connection of a source. What was kept of its tokens is removed, and all other sessions end: one of
 * them may have begun through this source.
 */
export type DisconnectSource = (disconnection: Disconnection) => Promise<LinkOutcome>;

export interface DisconnectionParts {
  readonly accounts: Pick<Accounts, 'unlink'>;
  readonly forgetTokens: (sub: string, source: string) => Promise<void>;
  readonly revocations: Pick<Revocations, 'endOtherSessions'>;
}

export const createDisconnectSource =
  ({ accounts, forgetTokens, revocations }: DisconnectionParts): DisconnectSource =>
  async ({ sub, source, keptIds, address, requestId }) => {
    const outcome = await accounts.unlink(sub, source, { address, requestId, via: 'link' });
    if (!outcome.ok) return outcome;
    await forgetTokens(sub, source);
    await revocations.endOtherSessions(sub, keptIds, 'account.unlink');
    return outcome;
  };
