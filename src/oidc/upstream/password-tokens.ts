import type { SignedIn } from '../../accounts/account-types.ts';
import type { Connector } from '../../connectors/connector.ts';
import type { KeptUpstreamTokens } from './upstream-tokens.ts';

/** The tokens that an upstream gave for a password which a program sent. */
export interface PasswordTokens {
  /** For the apps that may have them; they are revoked where none may. @throws AppError `unavailable` */
  keep(signedIn: SignedIn): Promise<void>;
  /** The sign-in was refused after all. Nobody waits for it. */
  revoke(signedIn: SignedIn): void;
}

export const createPasswordTokens = ({
  upstreamTokens,
  connectors,
}: {
  readonly upstreamTokens: Pick<KeptUpstreamTokens, 'keep'>;
  readonly connectors: readonly Connector[];
}): PasswordTokens => {
  const revoke: PasswordTokens['revoke'] = ({ source, grant }) => {
    const connector = connectors.find(({ definition }) => definition.id === source);
    if (grant !== undefined) void connector?.revoke?.(grant.tokens); // nobody waits for it
  };
  return {
    revoke,
    keep: async (signedIn) => {
      const { account, source, grant } = signedIn;
      if (grant === undefined) return;
      const isKept = await upstreamTokens.keep(account.sub, source, grant.tokens);
      if (!isKept) revoke(signedIn);
    },
  };
};
