using System.Text;
using Berth.Faults;
using Berth.Registry.Accounts.Htpasswd;

namespace Berth.Registry.Tests.Accounts;

public sealed class HtpasswdTextTests
{
    private const string Hash = "$2y$05$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm";

    [Theory]
    [InlineData($"alice:{Hash}")]
    [InlineData($"alice:{Hash}\n")]
    [InlineData($"\ufeffalice:{Hash}\r\n")]
    [InlineData($"# people\n\n  \t\n  # more: people\n \talice:{Hash} \r\n\r\n")]
    // Apache's further fields.
    [InlineData($"alice:{Hash}:The Realm:x\n")]
    public void Entry_IsReadAsDockerRegistryDoes(string text)
    {
        HtpasswdText read = Parse(text);
        Assert.Equal(("alice", Hash), (Assert.Single(read.Entries.Values).Name, read.Entries["alice"].Hash));
        Assert.Empty(read.Refusals);
    }

    [Theory]
    [InlineData("alice:$2a$05$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm", null)]
    [InlineData("alice:$2b$15$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm", null)]
    [InlineData("alice:$2y$16$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm",
        "alice: its bcrypt cost is 16, and at most 15 is taken: make it again with \"htpasswd -B -C 10 FILE NAME\"")]
    [InlineData("alice:$2y$05$9CJvzwW", "alice: its bcrypt hash is cut short or damaged: make it again with \"htpasswd -B FILE NAME\"")]
    [InlineData("alice:$apr1$x$abc", "alice: it is hashed with MD5 (apr1): make it again with \"htpasswd -B FILE NAME\"")]
    [InlineData("alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "alice: it is hashed with SHA-1: make it again with \"htpasswd -B FILE NAME\"")]
    [InlineData("alice:$6$x$abc", "alice: it is hashed with something else than bcrypt: make it again with \"htpasswd -B FILE NAME\"")]
    [InlineData("alice:$2x$05$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm",
        "alice: it is hashed with something else than bcrypt: make it again with \"htpasswd -B FILE NAME\"")]
    [InlineData("alice:rqXexS6ZhobKA", "alice: it is hashed with crypt, or not at all: make it again with \"htpasswd -B FILE NAME\"")]
    [InlineData("alice:correct horse", "alice: it is hashed with crypt, or not at all: make it again with \"htpasswd -B FILE NAME\"")]
    [InlineData("alice:", "alice: it has no password: make it again with \"htpasswd -B FILE NAME\"")]
    [InlineData("correct horse", "it has no colon: NAME:HASH is expected, as \"htpasswd -B FILE NAME\" writes it")]
    [InlineData($":{Hash}", "(no name): it is no account name here: 2 to 39 lower-case letters and digits are allowed, with single '.', '_' or '-' between them")]
    [InlineData($"Alice:{Hash}", "Alice: it is no account name here: 2 to 39 lower-case letters and digits are allowed, with single '.', '_' or '-' between them")]
    [InlineData($"lice{Hash}:x",
        "(what stands before its colon): it is no account name here: 2 to 39 lower-case letters and digits are allowed, with single '.', '_' or '-' between them")]
    [InlineData($"admin:{Hash}", "admin: it is no account name here: it is reserved")]
    [InlineData($"al\u001b[2Jice:{Hash}", "al?[2Jice: it is no account name here: 2 to 39 lower-case letters and digits are allowed, with single '.', '_' or '-' between them")]
    public void Line_ThatCannotBeUsed_IsNamedWithItsNumberAndTheNextStep(string line, string? reason)
    {
        HtpasswdText read = Parse($"# people\nbob:{Hash}\n{line}\ncarol:{Hash}\n");
        Assert.Equal(reason is null ? [] : [new HtpasswdRefusal(3, reason)], read.Refusals);
        Assert.Equal(reason is null ? ["alice", "bob", "carol"] : ["bob", "carol"], read.Entries.Keys.Order());
    }

    [Fact]
    public void OfANamesLines_TheLastCounts_EvenIfItCannotBeUsed()
    {
        HtpasswdText read = Parse($"alice:{Hash}\nbob:{Hash}\nalice:{Hash[..^1]}n\nbob:$apr1$x$y\n");
        Assert.Equal((3, Hash[..^1] + "n"), (read.Entries["alice"].Line, read.Entries["alice"].Hash));
        Assert.False(read.Entries.ContainsKey("bob"));
        Assert.Equal(
            ["line 1: alice: line 3 has the name again, and the last one counts", "line 2: bob: line 4 has the name again, and the last one counts",
                "line 4: bob: it is hashed with MD5 (apr1): make it again with \"htpasswd -B FILE NAME\""],
            read.Refusals.Select(refusal => refusal.ToString()));
    }

    [Fact]
    public void HostileBytes_AreRefused_LineByLine()
    {
        byte[] bytes = [.. "a\xff:x\n"u8, 0xff, .. ":x\n"u8, .. Encoding.UTF8.GetBytes(new string('x', HtpasswdText.LineBytesMax + 1)), (byte)'\n',
            .. "a\0b:x\n"u8, .. Encoding.UTF8.GetBytes($"alice:{Hash}\rbob:{Hash}\n"), .. Encoding.UTF8.GetBytes($"carol:{Hash}")];
        HtpasswdText read = HtpasswdText.Parse(bytes);
        Assert.Equal("carol", Assert.Single(read.Entries.Keys));
        Assert.Equal([1, 2, 3, 4, 5], read.Refusals.Select(refusal => refusal.Line));
        Assert.DoesNotContain(read.Refusals, refusal => refusal.Reason.Contains("$2y$", StringComparison.Ordinal));
        Assert.Equal("line 1: the file is UTF-16: save it as UTF-8", Assert.Single(HtpasswdText.Parse([0xff, 0xfe, 0x61, 0]).Refusals).ToString());
        Assert.Empty(HtpasswdText.Parse([]).Refusals);
    }

    [Fact]
    public void LargeFile_IsRead_AndWhatIsWrongWithIt_IsBounded()
    {
        var text = new StringBuilder();
        int count = 0;
        for (; text.Length < 10_000_000; count++)
            text.Append("user").Append(count).Append(':').Append(Hash).Append('\n');
        Assert.Equal(count, Parse(text.ToString()).Entries.Count);
        HtpasswdText wrong = Parse(string.Concat(Enumerable.Repeat("x\n", 1_000_000)));
        Assert.Equal((1_000_000, HtpasswdText.RefusalsMax), (wrong.RefusalCount, wrong.Refusals.Count));
    }

    [Fact]
    public void File_TooLarge_OrNone_IsRefused()
    {
        string path = Path.GetTempFileName();
        try
        {
            using (FileStream file = File.OpenWrite(path))
                file.SetLength(HtpasswdText.BytesMax + 1);
            Refused(path, "it is larger than 16 MiB");
            // Endless, and of no length.
            Refused("/dev/zero", "it is larger than 16 MiB");
        }
        finally
        {
            File.Delete(path);
        }
        Refused(path, "Could not find file");
        Refused("/", "denied");
    }

    private static void Refused(string path, string reason)
    {
        FaultException fault = Assert.Throws<FaultException>(() => HtpasswdText.Load(path));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        Assert.StartsWith($"read htpasswd file {path}: ", fault.Message);
        Assert.Contains(reason, fault.Message, StringComparison.Ordinal);
    }

    private static HtpasswdText Parse(string text) => HtpasswdText.Parse(Encoding.UTF8.GetBytes(text));
}
