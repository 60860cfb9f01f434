/**
 * Which addresses callbacks may be sent to: the public internet, and exceptions configured by operators. Prevents
 * server-side request forgery.
 *
 * Sources: IANA's special-purpose address registries (RFC 6890, RFC 8190); each entry names its own RFC.
 */
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [base: Address, prefixBits: number];

/** Networks and host names that operators allow despite the rules. */
export type AddressExceptions = { networks: readonly Network[]; hosts: ReadonlySet<string> };

const FORBIDDEN: readonly Network[] = [
  '0.0.0.0/8', // this network, RFC 791
  '10.0.0.0/8', // private use, RFC 1918
  '100.64.0.0/10', // carrier-grade NAT, RFC 6598; some clouds' metadata
  '127.0.0.0/8', // loopback, RFC 1122
  '169.254.0.0/16', // link local, RFC 3927; most clouds' metadata
  '172.16.0.0/12', // private use, RFC 1918
  '192.0.0.0/24', // protocol assignments, RFC 6890
  '192.0.2.0/24', // documentation, RFC 5737
  '192.88.99.0/24', // 6to4 relays, RFC 7526
  '192.168.0.0/16', // private use, RFC 1918
  '198.18.0.0/15', // benchmarks, RFC 2544
  '198.51.100.0/24', // documentation, RFC 5737
  '203.0.113.0/24', // documentation, RFC 5737
  '224.0.0.0/4', // multicast, RFC 5771
  '240.0.0.0/4', // reserved and broadcast, RFC 1112
  '::/8', // unspecified, loopback, IPv4-compatible and -mapped (RFC 4291), local NAT64 64:ff9b:1::/48 (RFC 8215)
  '100::/64', // discard, RFC 6666
  '100:0:0:1::/64', // dummy prefix, RFC 9780
  '2001::/23', // protocol assignments (RFC 2928): Teredo, benchmarks, ORCHID
  '2001:db8::/32', // documentation, RFC 3849
  '2002::/16', // 6to4, RFC 3056
  '3fff::/20', // documentation, RFC 9637
  '5f00::/16', // segment routing, RFC 9602
  'fc00::/7', // unique local, RFC 4193
  'fe80::/10', // link local, RFC 4291
  'fec0::/10', // site local, RFC 3879
  'ff00::/8', // multicast, RFC 4291
].map((cidr) => ipaddr.parseCIDR(cidr));

/** The only part of ::/8 that reaches the internet: the last 32 bits are a translated v4 address (RFC 6052 §2.1). */
const NAT64 = [ipaddr.parseCIDR('64:ff9b::/96')];

/** Domains that resolve only on a local network: RFC 6762 (.local, and appendix G), RFC 8375, ICANN's .internal. */
const LOCAL_DOMAINS = 'local internal localdomain home.arpa lan intranet corp home private'.split(' ');

const MAX_LABEL_CHARACTERS = 63;
const MAX_NAME_CHARACTERS = 253;

/** Why a host name is invalid (RFC 1035 §2.3.4, RFC 1123 §2.1). Underscores are allowed because they are common. */
export type NameFault = 'empty_label' | 'long_label' | 'long_name' | 'bad_character';

/** @param name in ASCII, lower case, without the trailing dot of the root */
const findNameFault = (name: string): NameFault | undefined => {
  const labels = name.split('.');
  if (labels.includes('')) return 'empty_label';
  if (!/^[a-z0-9._-]+$/.test(name)) return 'bad_character';
  if (labels.some((label) => label.length > MAX_LABEL_CHARACTERS)) return 'long_label';
  return name.length > MAX_NAME_CHARACTERS ? 'long_name' : undefined;
};

/** A fully qualified name may end with the dot of the root, but only one. */
const withoutRoot = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/** Whether a URL parser reads a host as a v4 address: its last label is a number (WHATWG URL, "ends in a number"). */
const endsInNumber = (host: string): boolean => /(?:^|\.)(?:\d+|0x[\da-f]*)$/.test(host);

/** Words that mean "nothing" or "anything" in other settings. As host names they are probably mistakes. */
const NOT_HOST_NAMES = new Set('none null nil undefined false true no yes off on any all'.split(' '));

/**
 * Reads CALLBACK_ALLOW.
 *
 * @param text comma-separated CIDRs, addresses (v4 in four decimal parts) and host names; 'none' (in any case) or an empty
 * text for no exceptions. Host bits of a CIDR are ignored: 10.0.0.7/8 is 10.0.0.0/8.
 * @throws RangeError with the invalid entry
 */
export const parseAddressExceptions = (text: string): AddressExceptions => {
  const networks: Network[] = [];
  const hosts = new Set<string>();
  const entries = /^\s*(?:none)?\s*$/i.test(text) ? [] : text.split(',').map((entry) => entry.trim());
  for (const entry of entries) {
    const cidr = entry.includes('/') ? entry : `${entry}/${entry.includes(':') ? 128 : 32}`;
    const host = withoutRoot(entry);
    // ipaddr.js reads 10/8 as 0.0.0.10/8 and ignores zones. Refuse both, as neither is likely to be intended.
    const isNetwork = ipaddr.IPv4.isValidCIDRFourPartDecimal(cidr) || ipaddr.IPv6.isValidCIDR(cidr);
    if (isNetwork && !entry.includes('%')) {
      networks.push(ipaddr.parseCIDR(cidr));
      continue;
    }
    if (NOT_HOST_NAMES.has(host)) {
      throw new RangeError(`"${entry}" is not a host name; for no exceptions, use "none" alone`);
    }
    if (findNameFault(host) !== undefined || endsInNumber(host)) {
      throw new RangeError(`"${entry}" is not a network, address or host name`);
    }
    hosts.add(host);
  }
  return { networks, hosts };
};

/**
 * Whether a resolved address may be called.
 *
 * An exception applies only to its own address family: 10.0.0.0/8 allows neither ::ffff:10.0.0.1 nor 64:ff9b::10.0.0.1.
 *
 * @param address v4 or v6, with or without a zone; an invalid address is not allowed
 */
export const isAllowedAddress = (address: string, exceptions: AddressExceptions): boolean => {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (isWithin(parsed, exceptions.networks)) return true;
  const target = isWithin(parsed, NAT64) ? new ipaddr.IPv4(parsed.toByteArray().slice(12)) : parsed;
  return !isWithin(target, FORBIDDEN);
};

export type HostVerdict = 'allowed' | 'forbidden_address' | 'local_name' | NameFault;

/**
 * Judges a host when a job is accepted, without resolving it. Before the call, the addresses of allowed names are checked, too.
 *
 * @param hostname as returned by `new URL(…)`: v4 as four decimal parts, v6 in brackets
 */
export const judgeHost = (hostname: string, exceptions: AddressExceptions): HostVerdict => {
  const host = withoutTrailingDots(hostname);
  const literal = host.replace(/^\[(.*)\]$/, '$1');
  if (literal !== host || ipaddr.isValid(literal)) {
    if (!isAllowedAddress(literal, exceptions)) return 'forbidden_address';
    // An address is not a name, so it has no root to end with.
    return host === hostname ? 'allowed' : 'empty_label';
  }
  if (!isExceptedHost(host, exceptions) && isLocalName(host, exceptions)) return 'local_name';
  return findNameFault(withoutRoot(hostname)) ?? 'allowed';
};

const isLocalName = (host: string, exceptions: AddressExceptions): boolean => {
  // RFC 6761 §6.3: these are the loopback address, whatever a resolver returns.
  if (isUnder(host, 'localhost')) return !isAllowedAddress('127.0.0.1', exceptions);
  return !host.includes('.') || LOCAL_DOMAINS.some((domain) => isUnder(host, domain));
};

/** Whether a host is allowed by name, whatever it resolves to. An exception does not cover subdomains. */
export const isExceptedHost = (hostname: string, exceptions: AddressExceptions): boolean =>
  exceptions.hosts.has(withoutTrailingDots(hostname));

/** In lower case. The URL parser keeps trailing dots, and takes 127.0.0.1.. for a name. */
const withoutTrailingDots = (hostname: string): string => hostname.toLowerCase().replace(/\.+$/, '');

const isUnder = (host: string, domain: string): boolean => `.${host}`.endsWith(`.${domain}`);

const isWithin = (address: Address, networks: readonly Network[]): boolean =>
  networks.some(([base, prefixBits]) => base.kind() === address.kind() && address.match(base, prefixBits));
