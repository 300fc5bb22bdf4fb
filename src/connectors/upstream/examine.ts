import type { SourceFinding } from '../connector.ts';
import type { UpstreamClient, UpstreamParts } from './upstream-client.ts';

/** Looks at the real upstream. Never rejects. */
export const examineUpstream = async (
  client: UpstreamClient,
  _parts: UpstreamParts,
  _context: { readonly redirectUri: string },
): Promise<readonly SourceFinding[]> => {
  await client.metadata().catch(() => undefined);
  return [];
};
