import type { PathFault } from '../parsing/fault.ts';
import { topKeys } from '../source/written-sources.ts';
import type { JudgedContent } from './partial-content.ts';

/** A user of another source may have any user name, and services identify people by it. */
export const checkAccounts = ({ content, doubtful }: JudgedContent): readonly PathFault[] => {
  const { accounts, sources = [] } = content;
  const hasOthers =
    topKeys.some((key) => content[key] !== undefined) || sources.some((source) => !isLocal(source));
  if (!accounts.usernameChange || !hasOthers || doubtful.has('sources')) return [];
  return [
    {
      path: ['accounts', 'usernameChange'],
      message:
        'is true, but the tenant has other sources than the local list: a user could take the user name that somebody has there; remove it',
    },
  ];
};

const isLocal = (source: object): boolean => 'type' in source && source.type === 'local';
