import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type GuestPlan, initScript, isPlainPath, kernelArguments } from './guest.ts';

const plan: GuestPlan = {
  packages: '/cache/packages/abc',
  shared: '/tmp/lab',
  node: '/usr/bin/node',
  agent: '/checkout/dist/test/lab/agent.js',
  multiarch: 'x86_64-linux-gnu',
  memoryMb: 512,
  modules: ['ip_vs', 'veth'],
};

describe('the guest', () => {
  it("boots the host's root read-only with two serial lines and a shell as its first process", () => {
    const words = kernelArguments(plan, '/tmp/lab/init.sh');
    expect(words).to.include.members(['mem=512M', 'rootfstype=hostfs', 'rootflags=/', 'ro', 'ssl0=fd:3,fd:4']);
    expect(words).not.to.include('rw');
    expect(words.slice(-3)).to.deep.equal(['init=/bin/sh', '--', '/tmp/lab/init.sh']);
  });

  it('lays the packages over the root before it moves there, and becomes the agent', () => {
    const lines = initScript(plan).trimEnd().split('\n');
    const at = (start: string): number => {
      const found = lines.findIndex((line) => line.startsWith(start));
      expect(found, start).to.be.at.least(0);
      return found;
    };
    expect(at('mount -t overlay')).to.be.lessThan(at('pivot_root'));
    expect(at('pivot_root')).to.be.lessThan(at('modprobe -a ip_vs veth'));
    expect(lines.at(-1)).to.match(
      /^exec \/usr\/bin\/node .*\/checkout\/dist\/test\/lab\/agent\.js \/dev\/ttyS0 \/run\/lab$/,
    );
  });

  it('is not given paths that its command line or its mount options would split', () => {
    expect(isPlainPath('/home/me/.cache/ipvigil/packages/02af')).to.equal(true);
    for (const path of [
      '/with space',
      '/with,comma',
      '/with"quote',
      '/with$dollar',
      'relative',
      '/ä',
      "/it's",
      '/a;b',
    ]) {
      expect(isPlainPath(path), path).to.equal(false);
    }
  });
});
