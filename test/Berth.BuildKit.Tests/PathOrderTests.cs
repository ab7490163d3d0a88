using System.Text;
using Berth.BuildKit.Files;
using Berth.Faults;

namespace Berth.BuildKit.Tests;

public sealed class PathOrderTests
{
    [Fact]
    public void Take_AWalkedTree_IsAccepted()
    {
        PathOrder order = new();
        // As Go's filepath.Walk goes: "a/…" before "a-b", though '-' is less than '/'.
        foreach (string path in new[] { "a/", "a/b/", "a/b/c", "a/d", "a-b", "a.c/", "a.c/x", "b" })
            Take(order, path);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("../x")]
    [InlineData("a/../b")]
    [InlineData("a/./b")]
    [InlineData("a//b")]
    [InlineData("a/b/")]
    [InlineData("a\0b")]
    public void Take_WhatIsNoCleanPath_IsRefused(string path)
    {
        PathOrder order = new();
        order.Take("a"u8.ToArray(), isDirectory: true);
        Assert.Equal(FaultKind.InvalidArgument,
            Assert.Throws<FaultException>(() => order.Take(Encoding.UTF8.GetBytes(path), isDirectory: false)).Kind);
    }

    [Theory]
    [InlineData("b", "a")]
    [InlineData("b", "b")]
    [InlineData("a-b", "a/c")]
    [InlineData("f", "f/x")]
    [InlineData("d/", "e/x")]
    [InlineData("d/,d/e/,f", "d/e/z")]
    public void Take_OutOfOrderOrBelowNoDirectory_IsRefused(string before, string path)
    {
        PathOrder order = new();
        foreach (string earlier in before.Split(','))
            Take(order, earlier);
        Assert.Throws<FaultException>(() => Take(order, path));
    }

    [Fact]
    public void Take_TooLongOrTooDeep_IsRefused()
    {
        Assert.Throws<FaultException>(() => new PathOrder().Take(new byte[4096], isDirectory: false));
        Assert.Throws<FaultException>(() => Take(new PathOrder(), new string('n', 256)));
        PathOrder deep = new();
        FaultException fault = Assert.Throws<FaultException>(() =>
        {
            string path = "d";
            for (int i = 0; i < 1000; i++, path += "/d")
                deep.Take(Encoding.UTF8.GetBytes(path), isDirectory: true);
        });
        Assert.Contains("deeper than 400 levels", fault.Message, StringComparison.Ordinal);
    }

    private static void Take(PathOrder order, string path) =>
        order.Take(Encoding.UTF8.GetBytes(path.TrimEnd('/')), path.EndsWith('/'));
}
