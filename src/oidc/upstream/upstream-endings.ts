import type { Clock } from '../../clock.ts';
import type { Connector } from '../../connectors/connector.ts';
import type { Log } from '../../log.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import type { RevocationEvent } from '../../storage/storage-endings.ts';
import type { UpstreamSessions } from './upstream-sessions.ts';
import type { KeptUpstreamTokens } from './upstream-tokens.ts';

/**
 * Sessions that an operator or the person has ended from elsewhere: what they left at their upstreams ends there too, as
 * far as that is possible without their browser.
 */
export interface UpstreamEndings {
  /** For an event `upstream`; one of all instances does the work. Never rejects: what fails is in the log. */
  end(event: RevocationEvent): Promise<void>;
}

export interface UpstreamEndingsParts {
  readonly tenant: string;
  /** Of the tenant: without one that keeps tokens of an upstream, nothing is left there. */
  readonly connectors: readonly Pick<Connector, 'revoke'>[];
  readonly artifacts: Pick<TenantStorage['artifacts'], 'load' | 'write' | 'consume' | 'sessionsOf'>;
  readonly sessions: Pick<UpstreamSessions, 'open'>;
  readonly tokens: Pick<KeptUpstreamTokens, 'endSignIn' | 'endAll'>;
  readonly clock: Clock;
  readonly log: Log;
}

export const createUpstreamEndings = (parts: UpstreamEndingsParts): UpstreamEndings => {
  const { artifacts, sessions, tokens, clock } = parts;

  const endSession = async (id: string): Promise<void> => {
    const [found] = (await artifacts.load([{ kind: 'UpstreamEnding', id }])).artifacts;
    if (found === undefined || !(await artifacts.consume('UpstreamEnding', id, clock.now()))?.won) return;
    const { source, grant } = sessions.open(found.payload);
    if (grant !== undefined) await tokens.endSignIn(grant.sub, source, grant.refreshToken);
    await artifacts.write([{ op: 'remove', kind: 'UpstreamEnding', id }]);
  };

  const endPerson = async (sub: string): Promise<void> => {
    // the tokens of somebody who has signed in again meanwhile are new
    if ((await artifacts.sessionsOf(sub)).length === 0) await tokens.endAll(sub);
  };

  return {
    end: async ({ id, sub }) => {
      if (parts.connectors.every(({ revoke }) => revoke === undefined)) return;
      try {
        await (id === sub ? endPerson(sub) : endSession(id));
      } catch (err) {
        parts.log.warn(
          { tenant: parts.tenant, sub, err },
          'what an ended session left at its upstream could not be ended there',
        );
      }
    },
  };
};
