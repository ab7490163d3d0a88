// The stage never comes here: it runs before the .NET runtime (Berth.Stage, docs/adr/0001-first-process.md).
return args switch
{
    ["--version" or "-v"] => Say($"berth-runtime version {typeof(Program).Assembly.GetName().Version?.ToString(3)}\nspec: 1.2.0"),
    _ => Refuse(),
};

static int Say(string text)
{
    Console.Out.WriteLine(text);
    return 0;
}

static int Refuse()
{
    Console.Error.WriteLine("berth-runtime: only --version is offered: containers are run by berthd, which starts this program itself");
    return 1;
}
