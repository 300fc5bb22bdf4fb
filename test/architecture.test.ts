import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../src/package-root.ts';
import {
  type Import,
  packageOf,
  readSourceFiles,
  resolveImport,
  type SourceFile,
} from './support/source-files.ts';

/** The floor: every file may stand on it. */
const floor = [
  'errors.ts',
  'log.ts',
  'clock.ts',
  'package-root.ts',
  'canonical-login.ts',
  'standard-claims.ts',
  'signature-algorithms.ts',
];

interface Room {
  /** Rooms whose functions it may call. */
  readonly uses: readonly string[];
  /** Rooms of which it may know the types. */
  readonly knows: readonly string[];
  /** npm packages that live here, and nowhere else. */
  readonly owns: readonly string[];
}

/**
 * Who may import whom. A change here is a change of the house: make it on purpose, in a commit of its own, with
 * the reason. Rooms stand in the order in which they are built on each other.
 */
const rooms: Readonly<Record<string, Room>> = {
  protocol: { uses: [], knows: [], owns: [] },
  config: { uses: [], knows: [], owns: ['yaml', 'zod'] },
  crypto: { uses: [], knows: [], owns: ['argon2', 'bcrypt'] },
  storage: { uses: [], knows: ['config'], owns: ['mongoose', '@photostructure/sqlite'] },
  web: {
    uses: [],
    knows: ['config'],
    owns: ['@koa/bodyparser', '@koa/send', 'eta', 'helmet', 'i18next'],
  },
  connectors: { uses: ['crypto'], knows: ['config', 'storage'], owns: ['ldapts', 'openid-client'] },
  mail: { uses: [], knows: [], owns: ['nodemailer'] },
  audit: { uses: [], knows: ['storage'], owns: [] },
  accounts: {
    uses: ['crypto', 'mail', 'audit'],
    knows: ['config', 'storage', 'connectors'],
    owns: [],
  },
  oidc: {
    uses: ['crypto', 'accounts'],
    knows: ['config', 'storage', 'connectors', 'web'],
    owns: ['oidc-provider'],
  },
  login: {
    uses: ['accounts', 'web', 'oidc'],
    knows: ['config', 'connectors'],
    owns: ['qrcode'],
  },
  'self-service': { uses: ['accounts', 'web', 'oidc'], knows: ['config'], owns: [] },
  // a caller is an account that a source may have proven: their types only
  gateway: {
    uses: ['accounts', 'web', 'oidc', 'crypto'],
    knows: ['config', 'connectors', 'storage'],
    owns: [],
  },
  tenants: {
    uses: [
      'config',
      'crypto',
      'storage',
      'web',
      'connectors',
      'mail',
      'audit',
      'accounts',
      'oidc',
      'login',
      'gateway',
    ],
    knows: ['self-service'],
    owns: ['chokidar'],
  },
  admin: { uses: ['accounts', 'audit', 'web', 'oidc', 'tenants'], knows: ['config'], owns: [] },
};

/** What stands on the rooms: it wires them, or knows the process or the command line. */
const wiring = /^src\/(?:[a-z-]+\.ts|cli\/.*|process\/.*)$/;
const wiringOwns = ['koa', 'commander', '@clack/prompts', 'picocolors'];

/** Packages outside of rooms, and those with more owners than one: the reason stands beside each. */
const otherOwners: Readonly<Record<string, readonly string[]>> = {
  pino: ['log.ts'],
  // keys are made in crypto, what they signed is checked beside the provider that had it signed, and what an
  // upstream signed beside the connection to it; what a trusted API gateway signed is a credential like others there
  jose: ['crypto', 'oidc', 'connectors', 'gateway'],
  // a pattern is refused when the file is read, and run where people are mapped
  re2js: ['config', 'connectors'],
  // a form is read by a schema, as a file is
  zod: ['login'],
  // whoever calls other servers: sources of people, services
  undici: ['connectors', 'gateway'],
};

/** Types of these are free. */
const freeTypes: ReadonlySet<string> = new Set(['koa', 'zod', 'jose']);

/** Where Node or npm begins. */
/** bin/drawbridge.js begins at the first, scripts/generate.mjs at the others. */
const entrances = ['src/cli.ts', 'src/config/json-schemas.ts', 'src/config/server/settings-markdown.ts'];

/** With the reason, each. */
const mayBeLong: ReadonlyMap<string, string> = new Map([
  ['src/oidc/provider/tenant-provider.ts', 'it is divided next'],
]);

const files = readSourceFiles(packageRoot(), 'src');
const benchFiles = readSourceFiles(packageRoot(), 'bench');
const byPath = new Map([...files, ...benchFiles].map((file) => [file.path, file]));

/** A room, `floor` or `wiring`. */
const placeOf = (path: string): string | undefined => {
  const [, first = '', ...rest] = path.split('/');
  if (rest.length === 0 && floor.includes(first)) return 'floor';
  if (rest.length > 0 && rooms[first] !== undefined) return first;
  return wiring.test(path) ? 'wiring' : undefined;
};

const mayImport = (from: string, to: string, isTypeOnly: boolean): boolean => {
  if (from === to || from === 'wiring' || to === 'floor' || to === 'protocol') return true;
  const room = rooms[from];
  return room?.uses.includes(to) === true || (isTypeOnly && room?.knows.includes(to) === true);
};

const ownersOf = (name: string): readonly string[] => [
  ...Object.entries(rooms).flatMap(([room, { owns }]) => (owns.includes(name) ? [room] : [])),
  ...(wiringOwns.includes(name) ? ['wiring'] : []),
  ...(otherOwners[name] ?? []),
];

const addressOf = ({ path }: SourceFile): string | undefined => {
  const place = placeOf(path);
  return place === 'floor' ? path.slice('src/'.length) : place;
};

const eachImport = (report: (file: SourceFile, found: Import) => string | undefined): readonly string[] =>
  files.flatMap((file) =>
    file.imports.flatMap((found) => {
      const problem = report(file, found);
      return problem === undefined ? [] : [`${file.path}: ${problem}`];
    }),
  );

const linesMatching = (pattern: RegExp): readonly string[] =>
  files.flatMap(({ path, code }) => (code.match(pattern) ?? []).map((line) => `${path}: ${line.trim()}`));

const valueImports = (file: SourceFile): readonly string[] =>
  file.imports.flatMap((found) => (found.isTypeOnly ? [] : (resolveImport(file, found) ?? [])));

/** A way from a file back to itself, or undefined. */
const findCycle = (next: (path: string) => readonly string[]): readonly string[] | undefined => {
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const target of next(path)) {
      const cycle = walk(target, [...trail, path]);
      if (cycle !== undefined) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const { path } of files) {
    const cycle = walk(path, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
};

describe('the house', () => {
  it('has a place for every file', () => {
    expect(files.filter(({ path }) => placeOf(path) === undefined).map(({ path }) => path)).toEqual([]);
  });

  it('lets rooms import only what the table allows', () => {
    const forbidden = eachImport((file, found) => {
      const target = resolveImport(file, found);
      if (target === undefined) return undefined;
      const [from, to] = [placeOf(file.path), placeOf(target)];
      if (from === undefined || to === undefined) return `imports ${target}, which has no place`;
      return mayImport(from, to, found.isTypeOnly) ? undefined : `must not import ${target}`;
    });
    expect(forbidden).toEqual([]);
  });

  it('imports only downwards', () => {
    const order = Object.keys(rooms);
    const upwards = Object.entries(rooms).flatMap(([room, { uses, knows }]) =>
      [...uses, ...knows]
        .filter((other) => order.indexOf(other) >= order.indexOf(room) && !knows.includes(other))
        .map((other) => `${room} uses ${other}`),
    );
    expect(upwards).toEqual([]);
  });

  it('gives each package one owner', () => {
    const strays = eachImport((file, found) => {
      const name = packageOf(found);
      if (name === undefined || (found.isTypeOnly && freeTypes.has(name))) return undefined;
      const owners = ownersOf(name);
      if (owners.length === 0) return `imports ${name}, which nobody owns`;
      return owners.includes(addressOf(file) ?? '')
        ? undefined
        : `imports ${name}, which belongs to ${owners}`;
    });
    expect(strays).toEqual([]);
  });

  it('has no cycles', () => {
    expect(findCycle((path) => valueImports(byPath.get(path) as SourceFile))).toBeUndefined();
  });

  it('reaches every file from where Node begins', () => {
    const reached = new Set<string>();
    const visit = (path: string): void => {
      const file = byPath.get(path);
      if (file === undefined || reached.has(path)) return;
      reached.add(path);
      for (const found of file.imports) visit(resolveImport(file, found) ?? '');
    };
    for (const path of [...entrances, ...benchFiles.map((file) => file.path)]) visit(path);
    expect(files.filter(({ path }) => !reached.has(path)).map(({ path }) => path)).toEqual([]);
  });
});

describe('the files', () => {
  it('import files with .ts, and files that are there', () => {
    const wrong = eachImport((file, found) => {
      const target = resolveImport(file, found);
      if (target === undefined) return undefined;
      if (!target.endsWith('.ts')) return `${found.specifier} lacks .ts`;
      return byPath.has(target) ? undefined : `${target} is not there`;
    });
    expect(wrong).toEqual([]);
  });

  it('use of oidc-provider only what it offers', () => {
    expect(
      eachImport((_file, { specifier }) => (specifier.startsWith('oidc-provider/') ? specifier : undefined)),
    ).toEqual([]);
  });

  it('have named exports and no barrels', () => {
    expect(linesMatching(/^export default.*|^export \*.*/gm)).toEqual([]);
  });

  it('keep no state of their own', () => {
    const empty = String.raw`new (?:Weak)?(?:Map|Set)(?:<.*>)?\(\)|\[\]|\{\}`;
    expect(
      linesMatching(
        new RegExp(
          String.raw`^(?:export )?(?:let|var) .*|^(?:export )?const \w+(?:: [^=]*)? = (?:${empty});`,
          'gm',
        ),
      ),
    ).toEqual([]);
  });

  it('draw randomness from node:crypto alone', () => {
    expect(linesMatching(/.*Math\.random.*/g)).toEqual([]);
  });

  it('have at most 300 lines', () => {
    expect(
      files
        .filter(({ path, lines }) => lines > 300 && !mayBeLong.has(path))
        .map(({ path, lines }) => `${path}: ${lines}`),
    ).toEqual([]);
  });

  it('have names in kebab-case', () => {
    expect(
      files
        .filter(({ path }) => !/^src(?:\/[a-z][a-z0-9]*(?:-[a-z0-9]+)*)+\.ts$/.test(path))
        .map(({ path }) => path),
    ).toEqual([]);
  });
});
