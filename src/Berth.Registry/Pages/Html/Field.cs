namespace Berth.Registry.Pages.Html;

/// <summary>Fields of forms, each with its label.</summary>
internal static class Field
{
    /// <summary>A line of text.</summary>
    /// <param name="name">The field.</param>
    /// <param name="label">What it asks for.</param>
    /// <param name="value">What stands in it.</param>
    /// <param name="attributes">Further attributes, written in this program.</param>
    /// <param name="hint">What helps to fill it.</param>
    public static Markup Line(string name, string label, string value = "", Markup attributes = default,
        string? hint = null) => Markup.Of($"""
        <div class="field"><label for="{name}">{label}</label>
        <input id="{name}" name="{name}" value="{value}"
        {attributes}{Markup.When(hint is not null, $" aria-describedby=\"{name}-hint\"")}>
        {Markup.When(hint is not null, $"<p class=\"hint\" id=\"{name}-hint\">{hint}</p>")}</div>
        """);

    /// <summary>The name of an account: nothing is corrected or capitalised while typing.</summary>
    public static Markup AccountName(string name, string label, string value = "", string? hint = null) => Line(
        name, label, value,
        Markup.Of($"""required maxlength="39" autocomplete="username" autocapitalize="none" spellcheck="false" """), hint);

    /// <summary>A password. It is never sent back into a page.</summary>
    public static Markup Password(string name, string label, bool isNew, string? hint = null) => Line(
        name, label, "", Markup.Of($"""
            type="password" required maxlength="1000" autocomplete="{(isNew ? "new-password" : "current-password")}" 
            """), hint);
}
